import type { MouthReport } from '../session/mouth-reports.ts';
import type { SessionOwner } from '../session/session-owner.ts';
import type { Source } from '../sources/source.ts';
import type { Transport, TransportEvents } from '../transports/transport.ts';

/** What signalling needs of a session (session/session.ts). */
export interface ViewerSession {
  readonly id: string;
  setAvatar(avatarId: string): void;
  playClip(name: string): Promise<void>;
  /** Plays `source`, which the session closes, instead of the microphone until it ends. */
  play(name: string, source: Source): void;
  interrupt(): void;
  setMicrophone(source: Source): void;
  addTransport(make: (events: TransportEvents) => Promise<Transport>): Promise<Transport>;
  figures(): object;
  /** Calls `listener` once per frame that is sent, until the session ends or the returned function is called. */
  onMouth(listener: (report: MouthReport) => void): () => void;
  onClosed(callback: (reason: string) => void): void;
  close(reason: string): Promise<void>;
}

/** What signalling needs of the registry (session/registry.ts). */
export interface ViewerSessions {
  /** @throws {AppError} `server_full`, `session_limit`, `avatar_not_found`, `not_ready`. */
  create(avatarId: string, owner: SessionOwner): ViewerSession;
}

/** A candidate as browsers write it (W3C WebRTC, RTCIceCandidateInit). */
export interface IceCandidate {
  readonly candidate: string;
  readonly sdpMid?: string | null;
  readonly sdpMLineIndex?: number | null;
  readonly usernameFragment?: string | null;
}

/** What signalling needs of a peer (transports/webrtc-peer.ts). */
export interface ViewerPeer extends Transport {
  /** RTP time stamp of the picture at media time 0; null without a picture. */
  readonly videoRtpOrigin: number | null;
  /** @returns The answer to a later offer of the same connection. @throws {AppError} `bad_sdp`. */
  renegotiate(offerSdp: string): Promise<string>;
  /** Null: no more will come. A candidate that cannot be used is ignored. */
  addIceCandidate(candidate: IceCandidate | null): void | Promise<void>;
}

export interface ViewerPeerEvents extends TransportEvents {
  /** Null: no more will come. */
  onIceCandidate(candidate: IceCandidate | null): void;
}

/** What an offer became. */
export interface ConnectedViewer {
  readonly peer: ViewerPeer;
  readonly answerSdp: string;
  /** Sound of the viewer; silence if it sends none. Owned by whoever asked. */
  readonly microphone: Source;
}

/** Answers an offer with a peer. @throws {AppError} `bad_sdp`, `no_media`. */
export type ConnectViewer = (offerSdp: string, events: ViewerPeerEvents) => Promise<ConnectedViewer>;
