import { Door, tabStore, takeFromAddress } from './door.js';
import { recall, remember } from './memory.js';
import { listMicrophones, Microphone, microphoneAllowedHere, microphoneProblem } from './microphone.js';
import { Peer } from './peer.js';
import { Signalling } from './signalling.js';
import { FIRST_STATE, hasCall, next } from './state.js';

/**
 * @typedef {import('./signalling.js').AvatarEntry} AvatarEntry
 * @typedef {import('./signalling.js').ServerMessage} ServerMessage
 * @typedef {import('./signalling.js').ServerFigures} ServerFigures
 * @typedef {import('./state.js').State} State
 * @typedef {import('./state.js').Event} Event
 */

const NOT_READY_POLL_MS = 1000;
/** Avatars that become ready later join the gallery. */
const GALLERY_POLL_MS = 10_000;
/** When a full server does not say how long to wait. */
const FULL_RETRY_MS = 5000;
/** The server's word on the playing clip is up to a second old: it may not undo a click that is younger. */
const CLIP_GRACE_MS = 1500;

/**
 * What the person and the server are doing together: the state, the avatars, the microphone and the call.
 * Views read its fields, call its methods and draw again at every `change`; `entered`: the server has let the person in.
 */
export class Conversation extends EventTarget {
  /** @type {State} */
  state = FIRST_STATE;
  /** @type {AvatarEntry[]} */
  avatars = [];
  avatarId = recall('avatar') ?? '';
  /** Devices to choose from; empty until the browser tells their names. @type {{ id: string, label: string }[]} */
  microphones = [];
  isMuted = false;
  isHearing = false;
  /** Sample that is being spoken. @type {string | null} */
  clip = null;
  /** Something to tell that is not a state. */
  notice = '';
  /** Whether the server draws with random weights, which are there to try it with. */
  drawsNoise = false;
  /** @type {MediaStream | null} */
  stream = null;
  /** Last figures of the server. @type {ServerFigures} */
  serverFigures = {};

  #microphone = new Microphone(() => this.#onMicrophoneLost());
  #signalling;
  #door;
  /** Addresses of the portraits by their path, for a server that gives them only to those it let in. @type {Map<string, string>} */
  #portraits = new Map();
  /** @type {Peer | null} */
  #peer = null;
  /** @type {RTCIceServer[]} */
  #iceServers = [];
  /** A session was asked for on the present socket: the next one needs a fresh socket. */
  #socketIsUsed = false;
  /** Sample to play as soon as the call stands. @type {string | null} */
  #clipToPlay = null;
  #clipClickedMs = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** Counts the times the microphone was asked for: a late answer to an earlier question is dropped. */
  #question = 0;

  /** @param {(problem: string) => Promise<string>} askForKey Asks the person for the server's key. */
  constructor(askForKey) {
    super();
    const store = tabStore();
    const given = takeFromAddress();
    if (given) store.set(given);
    this.#door = new Door({ fetch: (path, init) => fetch(path, init), store, ask: askForKey });
    const url = new URL('/ws', location.href);
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    this.#signalling = new Signalling(() => this.#door.open(url), {
      onOpen: () => this.#onSocketOpen(),
      onMessage: (message) => this.#onMessage(message),
      onDown: (attempt, retryAtMs) => this.#step({ type: 'socket-down', attempt, retryAtMs }),
    });
  }

  /** Begins; call once. */
  open() {
    if (!('RTCPeerConnection' in window)) return this.#step({ type: 'unsupported' });
    this.#signalling.open();
    addEventListener('online', () => this.#onNetworkChange());
    // Chromium alone tells of a change of network while staying online.
    /** @type {{ connection?: EventTarget }} */ (navigator).connection?.addEventListener('change', () =>
      this.#onNetworkChange(),
    );
    addEventListener('pagehide', () => this.#leavePage());
    addEventListener('pageshow', (event) => event.persisted && this.#signalling.open());
    navigator.mediaDevices?.addEventListener('devicechange', () => void this.#listMicrophones());
    setInterval(() => {
      if (this.state.name === 'idle' && !document.hidden) this.#askForAvatars();
    }, GALLERY_POLL_MS);
    void this.#watchPermission();
    void this.#listMicrophones();
  }

  get avatar() {
    return this.avatars.find((avatar) => avatar.id === this.avatarId) ?? null;
  }

  /** The way into the server, for what else the page asks of it. */
  get door() {
    return this.#door;
  }

  /** Looks whether there are other avatars by now. */
  refreshAvatars() {
    this.#askForAvatars();
  }

  get microphoneTrack() {
    return this.#microphone.track;
  }

  get microphoneId() {
    return this.#microphone.deviceId;
  }

  /** Opens the microphone and calls; in a call that only listens, adds the microphone to it. */
  async talk() {
    this.#step({ type: 'talk' });
    const question = ++this.#question;
    try {
      if (!microphoneAllowedHere()) throw new DOMException('This page is not secure.', 'SecurityError');
      await this.#microphone.open();
      if (question !== this.#question) return this.#microphone.close();
    } catch (error) {
      if (question !== this.#question) return;
      const problem = microphoneProblem(error);
      if (hasCall(this.state)) this.#tell(MICROPHONE_NOTICE[problem]);
      return this.#step({ type: 'microphone-problem', problem });
    }
    this.isMuted = false;
    this.isHearing = false;
    void this.#listMicrophones();
    if (hasCall(this.state)) this.#step({ type: 'redial' });
    else this.#step({ type: 'microphone-open' });
  }

  /** Lets the avatar speak a sample; without a call, makes one that only listens. */
  playClip(/** @type {string} */ clip) {
    this.notice = '';
    this.#clipClickedMs = performance.now();
    this.clip = clip;
    if (this.state.name === 'live') {
      this.#signalling.send({ type: 'play_clip', clip });
      return this.#changed();
    }
    this.#clipToPlay = clip;
    if (!this.#microphone.track) this.isHearing = true;
    this.#step({ type: 'listen' });
  }

  /** Silences what the avatar is saying. */
  interrupt() {
    this.#signalling.send({ type: 'interrupt' });
    this.#clipClickedMs = performance.now();
    this.clip = null;
    this.#changed();
  }

  /** Leaves the conversation, or gives up what is being waited for. */
  stop() {
    this.#question += 1;
    this.#clipToPlay = null;
    this.notice = '';
    this.#step({ type: 'stop' });
  }

  /** Tries at once what would be tried later. */
  retryNow() {
    if (this.state.name === 'full') this.#step({ type: 'retry' });
    else this.#signalling.open();
  }

  /** Takes another face, in the running call as well. */
  selectAvatar(/** @type {string} */ avatarId) {
    if (avatarId === this.avatarId) return;
    this.avatarId = avatarId;
    this.clip = null;
    this.notice = '';
    remember('avatar', avatarId);
    if (this.#peer) this.#signalling.send({ type: 'select_avatar', avatar_id: avatarId });
    this.#changed();
  }

  /** Takes another microphone, in the running call as well. */
  async selectMicrophone(/** @type {string} */ deviceId) {
    this.#microphone.choose(deviceId);
    if (!this.#microphone.track) return this.#changed();
    try {
      const track = await this.#microphone.open();
      track.enabled = !this.isMuted;
      await this.#peer?.replaceMicrophone(track);
    } catch (error) {
      this.#tell(MICROPHONE_NOTICE[microphoneProblem(error)]);
    }
    this.#changed();
  }

  setMuted(/** @type {boolean} */ isMuted) {
    this.isMuted = isMuted;
    if (this.#microphone.track) this.#microphone.track.enabled = !isMuted;
    this.#changed();
  }

  /** Whether the avatar's sound is played. */
  setHearing(/** @type {boolean} */ isHearing) {
    this.isHearing = isHearing;
    this.#changed();
  }

  /** Statistics of the running call, or null. */
  async stats() {
    return this.#peer ? this.#peer.getStats() : null;
  }

  /** The one place where the state changes, and everything that must follow from it. */
  #step(/** @type {Event} */ event) {
    const before = this.state;
    this.state = next(before, event);
    if (this.state === before) return;
    clearTimeout(this.#timer);
    if (this.state.name === 'connecting') this.#dial();
    else if (!hasCall(this.state)) this.#hangUp();
    if (this.state.name === 'live') this.#onLive();
    if (this.state.name === 'full') {
      this.#timer = setTimeout(() => this.#step({ type: 'retry' }), this.state.retryAtMs - Date.now());
    }
    if (this.state.name === 'loading') this.#timer = setTimeout(() => this.#askForAvatars(), NOT_READY_POLL_MS);
    if (this.state.name === 'idle' || this.state.name === 'failed') this.#microphone.close();
    this.#changed();
  }

  /** Makes a call over a socket that has not seen one; called again by the avatars' arrival if it must wait for that. */
  #dial() {
    this.#dropPeer();
    if (this.#socketIsUsed) {
      this.#socketIsUsed = false;
      this.#signalling.open();
      return;
    }
    if (!this.#signalling.isOpen || this.avatars.length === 0) return;
    this.#socketIsUsed = true;
    const peer = new Peer({
      iceServers: this.#iceServers,
      microphone: this.#microphone.track,
      events: {
        send: (message) => this.#signalling.send(message),
        onStream: (stream) => {
          this.stream = stream;
          this.#changed();
        },
        onConnected: () => this.#step({ type: 'connected' }),
        onInterrupted: () => this.#step({ type: 'interrupted' }),
        onFailed: () => this.#step({ type: 'call-failed' }),
      },
    });
    this.#peer = peer;
    if (this.avatar) this.#signalling.send({ type: 'select_avatar', avatar_id: this.avatar.id });
    peer.call().catch((error) => peer === this.#peer && this.#step({ type: 'refused', message: String(error) }));
  }

  /** Frees the server's session at once. */
  #hangUp() {
    this.#dropPeer();
    this.clip = null;
    if (!this.#socketIsUsed) return;
    this.#socketIsUsed = false;
    if (this.#signalling.isOpen) this.#signalling.open();
  }

  #dropPeer() {
    this.#peer?.close();
    this.#peer = null;
    this.stream = null;
    this.serverFigures = {};
  }

  #leavePage() {
    this.#signalling.close();
    this.#peer?.close();
    this.#microphone.close();
  }

  #onLive() {
    this.#signalling.send({ type: 'subscribe_figures' });
    if (!this.#clipToPlay) return;
    this.clip = this.#clipToPlay;
    this.#clipToPlay = null;
    this.#clipClickedMs = performance.now();
    this.#signalling.send({ type: 'play_clip', clip: this.clip });
  }

  #onSocketOpen() {
    this.#socketIsUsed = false;
    this.#signalling.send({ type: 'get_config' });
    this.#askForAvatars();
    this.dispatchEvent(new Event('entered'));
  }

  #askForAvatars() {
    this.#signalling.send({ type: 'get_avatars' });
  }

  /** @param {ServerMessage} message */
  #onMessage(message) {
    switch (message.type) {
      case 'avatars':
        return void this.#onAvatars(message.avatars);
      case 'config':
        this.#iceServers = message.ice_servers ?? [];
        return;
      case 'answer':
        return this.#describe(this.#peer?.onAnswer(message.sdp));
      case 'offer':
        return this.#describe(this.#peer?.onOffer(message.sdp));
      case 'ice_candidate':
        return this.#peer?.onCandidate(message.candidate);
      case 'figures':
        return this.#onFigures(message);
      case 'error':
        return this.#onError(message);
    }
  }

  /** @param {Promise<void> | undefined} work */
  #describe(work) {
    work?.catch((error) => this.#step({ type: 'refused', message: String(error) }));
  }

  /** @param {AvatarEntry[]} avatars */
  async #onAvatars(avatars) {
    // A server that has just started tells of one avatar after the other; the chosen one is worth waiting for.
    const isThere = avatars.some(({ id }) => id === this.avatarId);
    if (avatars.length === 0 || (this.avatarId !== '' && !isThere && (await isComing(this.avatarId)))) {
      return void this.#waitUntilReady();
    }
    this.avatars = await this.#withPortraits(avatars);
    this.drawsNoise = (await readHealth()).drawsNoise;
    if (!this.avatar) this.avatarId = avatars[0]?.id ?? '';
    this.#step({ type: 'ready' });
    if (this.state.name === 'connecting' && !this.#peer) this.#dial();
    this.#changed();
  }

  /**
   * @param {AvatarEntry[]} avatars
   * @returns {Promise<AvatarEntry[]>}
   */
  #withPortraits(avatars) {
    return Promise.all(
      avatars.map(async (avatar) => {
        const known = this.#portraits.get(avatar.portrait);
        const portrait = known ?? (await this.#door.picture(avatar.portrait).catch(() => avatar.portrait));
        this.#portraits.set(avatar.portrait, portrait);
        return { ...avatar, portrait };
      }),
    );
  }

  /** @param {ServerFigures} figures */
  #onFigures(figures) {
    this.serverFigures = figures;
    const clip = figures.clip ?? null;
    if (clip === this.clip || performance.now() - this.#clipClickedMs < CLIP_GRACE_MS) return;
    this.clip = clip;
    this.#changed();
  }

  /** @param {{ message: string, code?: string, retry_after_s?: number }} error */
  #onError({ message, code, retry_after_s: retryAfterS }) {
    if (code === 'not_ready') return void this.#waitUntilReady();
    if (code === 'server_full') {
      return this.#step({ type: 'full', retryAtMs: Date.now() + (retryAfterS ? retryAfterS * 1000 : FULL_RETRY_MS) });
    }
    if (code === 'clip_not_found') this.clip = null;
    // A server of before get_config answers it with an error; that is no reason to end anything.
    if (this.state.name === 'connecting' && this.#peer) this.#step({ type: 'refused', message });
    else if (hasCall(this.state)) this.#tell(message);
  }

  /** Shows how far the avatars are, and asks again later. */
  async #waitUntilReady() {
    this.#step({ type: 'preparing', progress: await readProgress() });
  }

  #onNetworkChange() {
    if (!navigator.onLine) return;
    if (!this.#signalling.isOpen) return this.#signalling.open();
    this.#signalling.probe();
    this.#peer?.restartIce().catch(() => this.#step({ type: 'call-failed' }));
  }

  #onMicrophoneLost() {
    if (!hasCall(this.state)) return;
    this.#microphone
      .open()
      .then((track) => this.#peer?.replaceMicrophone(track))
      .then(() => this.#tell('The microphone was unplugged; another one took over.'))
      .catch(() => this.#tell('The microphone was unplugged.'));
  }

  async #listMicrophones() {
    this.microphones = await listMicrophones().catch(() => []);
    this.#changed();
  }

  /** Where browsers tell that the microphone was allowed again, the person need not be told twice. */
  async #watchPermission() {
    try {
      const status = await navigator.permissions.query({ name: /** @type {PermissionName} */ ('microphone') });
      status.addEventListener('change', () => {
        if (status.state !== 'denied' && this.state.name === 'microphone-refused') this.stop();
      });
    } catch {
      // This browser does not tell.
    }
  }

  #tell(/** @type {string} */ notice) {
    this.notice = notice;
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new Event('change'));
  }
}

/** @type {Record<import('./state.js').MicrophoneProblem, string>} */
const MICROPHONE_NOTICE = {
  'microphone-refused': 'The microphone is blocked for this page, so you are only listening.',
  'microphone-missing': 'No microphone was found, so you are only listening.',
  'microphone-busy': 'Another program holds the microphone, so you are only listening.',
  insecure: 'Browsers open the microphone to secure pages only, so you are only listening.',
};

/** Progress of preparing the avatars, 0..1, or null where the server does not say. */
async function readProgress() {
  const { avatars } = await readHealth();
  return avatars.length === 0 ? null : avatars.reduce((sum, { share }) => sum + share, 0) / avatars.length;
}

/** Whether the avatar is being prepared. @param {string} avatarId */
async function isComing(avatarId) {
  return (await readHealth()).avatars.some(
    ({ id, state }) => id === avatarId && (state === 'waiting' || state === 'preparing'),
  );
}

/**
 * How far each avatar is, and whether the mouths are noise because the models' weights are random; from `/health`, as far as the
 * server says.
 *
 * @returns {Promise<{ avatars: { id: string, state: string, share: number }[], drawsNoise: boolean }>}
 */
async function readHealth() {
  try {
    const response = await fetch('/health', { cache: 'no-store' });
    const { avatars = [], weights_are_random: drawsNoise = false } = await response.json();
    return { avatars, drawsNoise };
  } catch {
    return { avatars: [], drawsNoise: false };
  }
}
