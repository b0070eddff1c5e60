import type { Avatar, AvatarCard } from '../avatars/avatar.ts';
import { AppError } from '../errors.ts';
import {
  type AvatarFacts,
  type AvatarGallery,
  type AvatarProgress,
  findAvatar,
  NOTHING_KNOWN,
} from '../http/avatar-gallery.ts';
import type {
  ConnectViewer,
  IceCandidate,
  ViewerPeer,
  ViewerPeerEvents,
  ViewerSession,
  ViewerSessions,
} from '../http/viewer.ts';
import type { MouthReport } from '../session/mouth-reports.ts';
import type { SessionOwner } from '../session/session-owner.ts';
import type { Source } from '../sources/source.ts';
import type { Transport, TransportEvents } from '../transports/transport.ts';
import { FakeSource, FakeTransport } from './fakes.ts';

/** Avatars whose progress the test sets. */
export class FakeGallery implements AvatarGallery {
  avatars: Avatar[];
  states: AvatarProgress[];
  readonly watchers = new Set<(id: string) => void>();

  constructor(avatars: Avatar[]) {
    this.avatars = avatars;
    this.states = avatars.map(({ id }) => ({ id, state: 'ready', share: 1, problem: null }));
  }

  ready(): readonly Avatar[] {
    return this.avatars.filter(({ id }) => this.states.some((each) => each.id === id && each.state === 'ready'));
  }

  progress(): readonly AvatarProgress[] {
    return this.states;
  }

  set(id: string, state: AvatarProgress['state'], share = 0, problem: string | null = null): void {
    this.states = this.states.map((each) => (each.id === id ? { id, state, share, problem } : each));
    for (const listener of this.watchers) listener(id);
  }

  async bring(id: string | null): Promise<AvatarCard> {
    return findAvatar(this, id);
  }

  facts(): AvatarFacts {
    return NOTHING_KNOWN;
  }

  watch(listener: (id: string) => void): () => void {
    this.watchers.add(listener);
    return () => void this.watchers.delete(listener);
  }
}

/** Keeps what it was told. */
export class FakeSession implements ViewerSession {
  readonly id: string;
  readonly owner: SessionOwner;
  avatarId: string;
  readonly clips: string[] = [];
  interrupts = 0;
  microphone: Source | null = null;
  /** What it was given to play. */
  recording: Source | null = null;
  readonly mouthListeners = new Set<(report: MouthReport) => void>();
  closedBecause: string | null = null;
  readonly #onClosed: ((reason: string) => void)[] = [];

  constructor(id: string, avatarId: string, owner: SessionOwner) {
    this.id = id;
    this.owner = owner;
    this.avatarId = avatarId;
  }

  setAvatar(avatarId: string): void {
    this.avatarId = avatarId;
  }

  async playClip(name: string): Promise<void> {
    if (name !== 'hello') throw new AppError('clip_not_found', `Avatar ${this.avatarId} has no audio clip ${name}`);
    this.clips.push(name);
  }

  play(name: string, source: Source): void {
    this.clips.push(name);
    this.recording = source;
  }

  interrupt(): void {
    this.interrupts += 1;
  }

  setMicrophone(source: Source): void {
    this.microphone = source;
  }

  addTransport(make: (events: TransportEvents) => Promise<Transport>): Promise<Transport> {
    return make({
      onKeyFrameRequest() {},
      onBandwidth() {},
      onConnected() {},
      onClosed: (reason) => void this.close(reason),
    });
  }

  figures(): object {
    return { session_id: this.id, delay_ms: 130 };
  }

  onMouth(listener: (report: MouthReport) => void): () => void {
    this.mouthListeners.add(listener);
    return () => void this.mouthListeners.delete(listener);
  }

  /** Tells the listeners of a half open mouth in `frame`; only the names that matter are there. */
  speak(frame: number): void {
    const parameters = { jaw: 0.5 } as MouthReport['parameters'];
    const visemes = { aa: 1 } as MouthReport['visemes'];
    for (const listener of this.mouthListeners) listener({ frame, timeMs: 40 * frame, parameters, visemes });
  }

  onClosed(callback: (reason: string) => void): void {
    this.#onClosed.push(callback);
  }

  async close(reason: string): Promise<void> {
    if (this.closedBecause !== null) return;
    this.closedBecause = reason;
    for (const callback of this.#onClosed) callback(reason);
  }
}

/** Sessions up to a capacity. */
export class FakeSessions implements ViewerSessions {
  readonly all: FakeSession[] = [];
  readonly capacity: number;

  constructor(capacity = 3) {
    this.capacity = capacity;
  }

  get open(): FakeSession[] {
    return this.all.filter((session) => session.closedBecause === null);
  }

  create(avatarId: string, owner: SessionOwner): FakeSession {
    if (this.open.length >= this.capacity)
      throw new AppError('server_full', `All ${this.capacity} places are taken.`, { retryAfterS: 25 });
    const session = new FakeSession(`session-${this.all.length}`, avatarId, owner);
    this.all.push(session);
    return session;
  }
}

export class FakePeer extends FakeTransport implements ViewerPeer {
  readonly offers: string[] = [];
  readonly videoRtpOrigin = 4_294_967_000;
  readonly candidates: (IceCandidate | null)[] = [];
  readonly peerEvents: ViewerPeerEvents;

  constructor(offerSdp: string, events: ViewerPeerEvents) {
    super();
    this.offers.push(offerSdp);
    this.peerEvents = events;
  }

  async renegotiate(offerSdp: string): Promise<string> {
    this.offers.push(offerSdp);
    return `answer ${this.offers.length} to it`;
  }

  addIceCandidate(candidate: IceCandidate | null): void {
    this.candidates.push(candidate);
  }
}

/** Answers every offer except one that reads `bad`. Gives one candidate before its answer is known. */
export class FakePeers {
  readonly all: FakePeer[] = [];
  readonly earlyCandidate: IceCandidate = { candidate: 'candidate:1 1 udp 1 192.0.2.1 5000 typ host', sdpMid: '0' };
  /** What the next offers wait for before they are answered. */
  gate: Promise<void> = Promise.resolve();

  readonly connect: ConnectViewer = async (offerSdp, events) => {
    await this.gate;
    if (offerSdp.startsWith('bad')) throw new AppError('bad_sdp', 'The offer is no SDP');
    const peer = new FakePeer(offerSdp, events);
    this.all.push(peer);
    events.onIceCandidate(this.earlyCandidate);
    return { peer, answerSdp: 'the answer', microphone: new FakeSource() };
  };
}
