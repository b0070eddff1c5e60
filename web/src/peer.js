import { LipSync } from './lip-sync.js';

/**
 * @typedef {import('./signalling.js').ClientMessage} ClientMessage
 *
 * @typedef {object} PeerEvents
 * @property {(message: ClientMessage) => void} send
 * @property {(stream: MediaStream) => void} onStream Picture and sound of the avatar, in one stream.
 * @property {() => void} onConnected Connected, or connected again.
 * @property {() => void} onInterrupted The path broke; a new one is being looked for.
 * @property {() => void} onFailed No path was found. The peer is of no more use.
 */

/** How long ICE may stay disconnected before a restart: shorter breaks heal by themselves. */
const DISCONNECTED_MS = 2000;
/** How long connecting or an ICE restart may take. */
const CONNECT_TIMEOUT_MS = 12_000;

/** One WebRTC call: sends the microphone, receives the avatar's picture and sound, looks for a new path when one breaks. */
export class Peer {
  #connection;
  #events;
  /** @type {RTCIceCandidateInit[]} Candidates of the server that arrived before its answer. */
  #early = [];
  #stream = new MediaStream();
  #lipSync;
  /** @type {RTCRtpSender} */
  #microphoneSender;
  /** @type {'connecting' | 'connected' | 'interrupted' | 'closed'} */
  #state = 'connecting';
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #disconnectedTimer;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timeout;

  /**
   * @param {object} options
   * @param {RTCIceServer[]} options.iceServers
   * @param {MediaStreamTrack | null} options.microphone `null`: listen only. Stays the caller's, to stop.
   * @param {PeerEvents} options.events
   */
  constructor({ iceServers, microphone, events }) {
    this.#events = events;
    const connection = new RTCPeerConnection({ iceServers });
    this.#connection = connection;
    this.#lipSync = new LipSync(connection);
    const audio = connection.addTransceiver(microphone ?? 'audio', { direction: microphone ? 'sendrecv' : 'recvonly' });
    this.#microphoneSender = audio.sender;
    connection.addTransceiver('video', { direction: 'recvonly' });
    connection.addEventListener('icecandidate', ({ candidate }) => {
      events.send({ type: 'ice_candidate', candidate: candidate?.candidate ? candidate.toJSON() : null });
    });
    connection.addEventListener('track', ({ track, streams }) => {
      if (streams[0]) this.#stream = streams[0];
      else this.#stream.addTrack(track);
      events.onStream(this.#stream);
    });
    connection.addEventListener('iceconnectionstatechange', () => this.#onIceState());
    connection.addEventListener('connectionstatechange', () => this.#onConnectionState());
  }

  /** Calls the server. */
  async call() {
    this.#limitTime();
    await this.#offer({});
  }

  /** Looks for a better network path; the call goes on over the present one while that holds. */
  async restartIce() {
    if (this.#state === 'closed' || this.#state === 'connecting') return;
    // An offer that waits for its answer is a restart under way.
    if (this.#connection.signalingState === 'stable') await this.#offer({ iceRestart: true });
  }

  /** @param {string} sdp The server's answer to the last offer. */
  async onAnswer(sdp) {
    if (this.#connection.signalingState !== 'have-local-offer') return;
    await this.#connection.setRemoteDescription({ type: 'answer', sdp });
    for (const candidate of this.#early.splice(0)) this.#add(candidate);
  }

  /** @param {string} sdp An offer of the server: it renegotiates. */
  async onOffer(sdp) {
    if (this.#state === 'closed') return;
    await this.#connection.setRemoteDescription({ type: 'offer', sdp });
    await this.#connection.setLocalDescription();
    const answer = this.#connection.localDescription;
    if (answer) this.#events.send({ type: 'answer', sdp: answer.sdp });
  }

  /** @param {RTCIceCandidateInit | null} candidate `null`: the server has no more. */
  onCandidate(candidate) {
    if (!candidate) return;
    if (this.#connection.remoteDescription) this.#add(candidate);
    else this.#early.push(candidate);
  }

  /** @param {MediaStreamTrack} track Another microphone for the running call, without renegotiating. */
  async replaceMicrophone(track) {
    await this.#microphoneSender.replaceTrack(track);
  }

  getStats() {
    return this.#connection.getStats();
  }

  /** Idempotent; no event comes afterwards. */
  close() {
    this.#state = 'closed';
    clearTimeout(this.#disconnectedTimer);
    clearTimeout(this.#timeout);
    this.#lipSync.close();
    this.#connection.close();
  }

  /** @param {RTCOfferOptions} options */
  async #offer(options) {
    const offer = await this.#connection.createOffer(options);
    if (this.#connection.signalingState === 'closed') return;
    await this.#connection.setLocalDescription(offer);
    this.#events.send({ type: 'offer', sdp: offer.sdp ?? '' });
  }

  #add(/** @type {RTCIceCandidateInit} */ candidate) {
    // A candidate of before an ICE restart is refused; the restart brings its own.
    this.#connection.addIceCandidate(candidate).catch(() => {});
  }

  #onIceState() {
    if (this.#state === 'closed') return;
    const state = this.#connection.iceConnectionState;
    clearTimeout(this.#disconnectedTimer);
    if (state === 'disconnected') this.#disconnectedTimer = setTimeout(() => this.#restart(), DISCONNECTED_MS);
    else if (state === 'failed') this.#restart();
    else if (state === 'connected' || state === 'completed') this.#onConnectionState();
  }

  #onConnectionState() {
    if (this.#state === 'closed') return;
    const state = this.#connection.connectionState;
    if (state === 'connected' && this.#state !== 'connected') {
      this.#state = 'connected';
      clearTimeout(this.#timeout);
      this.#events.onConnected();
    } else if (state === 'failed' && this.#state !== 'interrupted') {
      this.#restart();
    }
  }

  #restart() {
    // A call that never stood has no path to repair: another offer would only hide the failure.
    if (this.#state === 'connecting') return this.#fail();
    this.#interrupted();
    this.restartIce().catch(() => this.#fail());
  }

  #interrupted() {
    if (this.#state === 'interrupted') return;
    this.#state = 'interrupted';
    this.#limitTime();
    this.#events.onInterrupted();
  }

  #limitTime() {
    clearTimeout(this.#timeout);
    this.#timeout = setTimeout(() => this.#fail(), CONNECT_TIMEOUT_MS);
  }

  #fail() {
    if (this.#state === 'closed') return;
    this.close();
    this.#events.onFailed();
  }
}
