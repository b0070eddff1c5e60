import { randomUUID } from 'node:crypto';
import { AppError } from '../errors.ts';
import type { FrameScheduler } from '../scheduler/frame-job.ts';
import { SessionTrace } from '../tracing.ts';
import { FramePhases } from './frame-phases.ts';
import { Session, type SessionOptions } from './session.ts';
import type { SessionOwner } from './session-owner.ts';

/** How often a shutdown looks whether the sessions have finished speaking. */
const SHUTDOWN_POLL_MS = 50;
/** Bounds of what a client of a full server is told to wait before it asks again; the default before any session has ended. */
const RETRY_AFTER_S = { least: 2, default: 10, most: 60 };
/** How much the newest session counts in the mean length of one. */
const NEWEST_SHARE = 0.1;

export interface RegistryOptions
  extends Omit<SessionOptions, 'id' | 'avatar' | 'owner' | 'lingerMs' | 'phases' | 'trace'> {
  /** Most sessions at once; fewer where the engine was measured to carry fewer. */
  readonly capacity: number;
}

/** What a door may choose for a session of its own. */
export type OwnSessionOptions = Pick<Partial<SessionOptions>, 'lingerMs' | 'computeBudgetMs'>;

/** All sessions of the process. */
export class SessionRegistry {
  readonly #options: RegistryOptions;
  #scheduler: FrameScheduler;
  readonly #sessions = new Map<string, Session>();
  readonly #phases = new FramePhases();
  #state: 'open' | 'closing' = 'open';
  /** Mean length of a session; null before one has ended. */
  #meanMs: number | null = null;

  constructor(options: RegistryOptions) {
    this.#options = options;
    this.#scheduler = options.scheduler;
  }

  /** All sessions, those that run and those to come, are drawn by another engine from now on, see `Session.setScheduler`. */
  setScheduler(scheduler: FrameScheduler): void {
    this.#scheduler = scheduler;
    for (const session of this.list()) session.setScheduler(scheduler);
  }

  get size(): number {
    return this.#sessions.size;
  }

  get capacity(): number {
    return Math.min(this.#options.capacity, this.#scheduler.capacity ?? Number.POSITIVE_INFINITY);
  }

  /** Sessions that run now. */
  list(): Session[] {
    return [...this.#sessions.values()];
  }

  /**
   * @param own What this session has its own way. Without `lingerMs` it closes with its last viewer, and its door watches for the
   *   first.
   * @throws {AppError} `server_full` when all places are taken, `session_limit` when the owner holds as many as it may,
   *   `avatar_not_found`, `not_ready` while the server shuts down.
   */
  create(avatarId: string, owner: SessionOwner, own: OwnSessionOptions = {}): Session {
    if (this.#state === 'closing')
      throw new AppError('not_ready', 'The server is shutting down; try again in a moment.');
    if (this.#sessions.size >= this.capacity) throw this.#full();
    this.#refuseBeyondLimit(owner);
    const avatar = this.#options.findAvatar(avatarId);
    const id = randomUUID();
    const log = this.#options.log.child({ sessionId: id });
    const { door } = owner;
    const trace = new SessionTrace({
      session_id: id,
      avatar_id: avatarId,
      door,
      engine: this.#scheduler.spec.id,
    });
    const session = new Session({
      ...this.#options,
      ...own,
      scheduler: this.#scheduler,
      phases: this.#phases,
      id,
      owner,
      avatar,
      log,
      trace,
    });
    this.#sessions.set(id, session);
    this.#options.metrics.counter('sessions_created').add();
    const createdMs = this.#options.timers.nowMs();
    session.onClosed((reason) => {
      this.#sessions.delete(id);
      this.#learnLength(this.#options.timers.nowMs() - createdMs);
      log.info({ reason, sessions: this.#sessions.size }, 'session closed');
    });
    log.info({ avatarId, door, sessions: this.#sessions.size }, 'session created');
    return session;
  }

  /** @throws {AppError} `session_not_found`. */
  get(id: string): Session {
    const session = this.#sessions.get(id);
    if (!session) throw new AppError('session_not_found', `Session ${id} not found`);
    return session;
  }

  #full(): AppError {
    const { capacity } = this;
    // Of as many sessions as there are, one ends in so many parts of the time that one takes.
    const freeMs = this.#meanMs === null ? RETRY_AFTER_S.default * 1000 : this.#meanMs / Math.max(1, this.size);
    const retryAfterS = Math.ceil(Math.min(RETRY_AFTER_S.most, Math.max(RETRY_AFTER_S.least, freeMs / 1000)));
    const why = capacity < this.#options.capacity ? ', as many as the engine can draw talking' : '';
    const message = `All ${capacity} places are taken${why}; try again in ${retryAfterS} s.`;
    return new AppError('server_full', message, { retryAfterS });
  }

  #learnLength(lengthMs: number): void {
    this.#meanMs = this.#meanMs === null ? lengthMs : this.#meanMs + (lengthMs - this.#meanMs) * NEWEST_SHARE;
  }

  #refuseBeyondLimit({ subject, maxSessions }: SessionOwner): void {
    if (maxSessions === null) return;
    const held = this.list().filter((session) => session.owner?.subject === subject).length;
    if (held < maxSessions) return;
    throw new AppError(
      'session_limit',
      `The key ${subject} holds ${held} sessions and may hold ${maxSessions}; close one first.`,
    );
  }

  /** Takes no new sessions, lets the running ones finish speaking for at most `graceMs`, then closes them. */
  async closeAll(graceMs: number): Promise<void> {
    this.#state = 'closing';
    const { timers } = this.#options;
    const endMs = timers.nowMs() + graceMs;
    while (timers.nowMs() < endMs && this.list().some((session) => session.isSpeaking)) {
      await new Promise<void>((resolve) => timers.at(timers.nowMs() + SHUTDOWN_POLL_MS, resolve));
    }
    await Promise.all(this.list().map((session) => session.close('server shutdown')));
  }
}
