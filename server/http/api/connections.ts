import { randomUUID } from 'node:crypto';
import { AppError } from '../../errors.ts';
import type { TransportEvents } from '../../transports/transport.ts';
import type { ConnectViewer, ViewerPeer, ViewerSession } from '../viewer.ts';
import { fragmentOf, readFragment, restarted, ufragOf } from './sdp-fragment.ts';

/** Which way the sound goes: a publisher brings a microphone, a viewer only looks on. */
export type ConnectionKind = 'publisher' | 'viewer';

/** One WebRTC connection that was made over HTTP. */
export interface Connection {
  readonly id: string;
  readonly kind: ConnectionKind;
  readonly session: ViewerSession;
  /** Names the ICE session; changes with every ICE restart (RFC 9725 §4.3.1). In quotes. */
  etag: string;
  offerSdp: string;
  readonly peer: ViewerPeer;
  /** Ends it. Idempotent. */
  leave(reason: string): void;
}

/** Viewers and publishers that came by WHEP and WHIP, by id. A connection that ends, or whose session ends, is forgotten. */
export class Connections {
  readonly #connectViewer: ConnectViewer;
  readonly #connections = new Map<string, Connection>();
  readonly #watched = new WeakSet<ViewerSession>();

  constructor(connectViewer: ConnectViewer) {
    this.#connectViewer = connectViewer;
  }

  get size(): number {
    return this.#connections.size;
  }

  /**
   * Connects a publisher or viewer with `session`. A publisher takes the place of the one before.
   *
   * @throws {AppError} `bad_sdp`, `no_media`; `session_not_found` if the session ended meanwhile.
   */
  async open(
    kind: ConnectionKind,
    session: ViewerSession,
    offerSdp: string,
  ): Promise<{ connection: Connection; answerSdp: string }> {
    const id = randomUUID();
    const made = Promise.withResolvers<TransportEvents>();
    let answerSdp = '';
    let ended: string | null = null;
    const peer = await session.addTransport(async (events) => {
      made.resolve(events);
      const viewer = await this.#connectViewer(offerSdp, {
        onKeyFrameRequest: () => events.onKeyFrameRequest(),
        onBandwidth: (bitsPerSecond) => events.onBandwidth(bitsPerSecond),
        onConnected: () => events.onConnected(),
        onClosed: (reason) => {
          ended = reason;
          this.#connections.delete(id);
          events.onClosed(reason);
        },
        // All that are known by then stand in the answer; there is no way to tell of later ones.
        onIceCandidate: () => {},
      });
      if (kind === 'publisher') session.setMicrophone(viewer.microphone);
      else viewer.microphone.close();
      answerSdp = viewer.answerSdp;
      return viewer.peer;
    });
    if (ended !== null) throw new AppError('no_session', `The connection ended before it was answered: ${ended}.`);
    const events = await made.promise;
    const connection: Connection = {
      id,
      kind,
      session,
      etag: newEtag(),
      offerSdp,
      peer: peer as ViewerPeer,
      leave: (reason) => {
        if (this.#connections.delete(id)) events.onClosed(reason);
      },
    };
    if (kind === 'publisher') this.#dismissPublishers(session);
    this.#connections.set(id, connection);
    this.#watch(session);
    return { connection, answerSdp };
  }

  /** @throws {AppError} `session_not_found`. */
  get(sessionId: string, id: string): Connection {
    const connection = this.#connections.get(id);
    if (connection?.session.id === sessionId) return connection;
    throw new AppError('session_not_found', `Session ${sessionId} has no connection ${id}`);
  }

  /**
   * Takes a fragment with candidates, or with other ICE parameters, which begins an ICE restart.
   *
   * @param ifMatch The `If-Match` header: the present ETag, or `*` for an ICE restart (RFC 9725 §4.3.2).
   * @returns The fragment that answers a restart; null for candidates.
   * @throws {AppError} `precondition_required`, `precondition_failed`, `bad_sdp`.
   */
  async patch(connection: Connection, ifMatch: string | undefined, text: string): Promise<string | null> {
    if (ifMatch === undefined) {
      throw new AppError(
        'precondition_required',
        'Give If-Match with the ETag of the ICE session, or * to restart it.',
      );
    }
    if (ifMatch !== '*' && ifMatch !== connection.etag) {
      throw new AppError('precondition_failed', 'The ETag of If-Match is that of an earlier ICE session.');
    }
    const fragment = readFragment(text);
    let answer: string | null = null;
    if (fragment.ufrag !== ufragOf(connection.offerSdp)) {
      const offerSdp = restarted(connection.offerSdp, fragment);
      answer = fragmentOf(await connection.peer.renegotiate(offerSdp));
      connection.offerSdp = offerSdp;
      connection.etag = newEtag();
    }
    for (const candidate of fragment.candidates) await connection.peer.addIceCandidate(candidate);
    return answer;
  }

  /** Forgets the connections of a session that ends; the session closes them. */
  #watch(session: ViewerSession): void {
    if (this.#watched.has(session)) return;
    this.#watched.add(session);
    session.onClosed(() => {
      for (const { id, session: its } of [...this.#connections.values()])
        if (its === session) this.#connections.delete(id);
    });
  }

  #dismissPublishers(session: ViewerSession): void {
    for (const each of [...this.#connections.values()]) {
      if (each.kind === 'publisher' && each.session === session) each.leave('another publisher took its place');
    }
  }
}

function newEtag(): string {
  return `"${randomUUID()}"`;
}
