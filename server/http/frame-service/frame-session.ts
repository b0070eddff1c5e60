import type { Avatar } from '../../avatars/avatar.ts';
import type { ActionTime } from '../../session/scenes.ts';
import type { ShownFrame } from '../../session/session.ts';
import type { SessionOwner } from '../../session/session-owner.ts';
import type { Source } from '../../sources/source.ts';
import type { Transport, TransportEvents } from '../../transports/transport.ts';

/** What the frame service needs of a session (session/session.ts). */
export interface FrameSession {
  readonly id: string;
  readonly delayMs: number;
  readonly avatar: Avatar;
  setMicrophone(source: Source): void;
  addTransport(make: (events: TransportEvents) => Promise<Transport>): Promise<Transport>;
  setBaseClip(state: 'idle' | 'speaking', name: string): Promise<void>;
  rest(state: 'idle' | 'speaking'): void;
  baseClip(state: 'idle' | 'speaking'): string;
  act(name: string, time?: ActionTime): Promise<void>;
  shownIn(frame: number): ShownFrame | null;
  onClosed(callback: (reason: string) => void): void;
  close(reason: string): Promise<void>;
}

/** What the frame service needs of the registry (session/registry.ts). */
export interface FrameSessions {
  readonly size: number;
  /** @throws {AppError} `server_full`, `session_limit`, `avatar_not_found`, `not_ready`. */
  create(avatarId: string, owner: SessionOwner, own: { readonly computeBudgetMs: number }): FrameSession;
}
