import { randomBytes } from 'node:crypto';
import { AppError } from '../../errors.ts';
import type { Source } from '../../sources/source.ts';
import { processTimers, type Timers } from '../../timers.ts';
import { type Grant, ownerOf, reaches } from '../access/access.ts';
import type { ConnectViewer, ViewerSessions } from '../viewer.ts';
import { StartedSession } from './started-session.ts';

/** Recordings that are read at the same time; each may take 115 MB. */
const MOST_READING = 4;
/** Random bytes in the address of a recording: more than anybody can try. */
const TOKEN_BYTES = 24;

export interface StreamerSessionsOptions {
  /** @throws {AppError} `not_ready` while the server starts. */
  readonly sessions: () => ViewerSessions;
  /** Reads a wav file. @throws {AppError} `media_unreadable`. */
  readonly openWav: (path: string) => Promise<Source>;
  readonly connectViewer: ConnectViewer;
  readonly unclaimedMs: number;
  /** The process's own unless a test has others. */
  readonly timers?: Timers;
}

export interface StartOrder {
  /** The client's name for it. */
  readonly name: string;
  readonly avatarId: string;
  /** Absolute path of a wav file; null for none. */
  readonly audioPath: string | null;
  readonly grant: Grant;
  /** Where the client is. */
  readonly address: string;
}

/** The sessions that clients of the Streamer's REST have started, by the names that the clients gave them. */
export class StreamerSessions {
  readonly #options: StreamerSessionsOptions;
  readonly #started = new Map<string, StartedSession>();
  #reading = 0;
  #lastAvatarId: string | null = null;

  constructor(options: StreamerSessionsOptions) {
    this.#options = options;
  }

  /** Avatar of the session that was started last; null before the first. */
  get lastAvatarId(): string | null {
    return this.#lastAvatarId;
  }

  /**
   * Starts a session; it waits for an offer. One of the same name by the same client is replaced.
   *
   * @throws {AppError} `session_exists` if somebody else has one of that name; `media_unreadable`; `rate_limited` while too many
   *   recordings are being read; as `ViewerSessions.create`.
   */
  async start({ name, avatarId, audioPath, grant, address }: StartOrder): Promise<StartedSession> {
    const { sessions, connectViewer, unclaimedMs, timers = processTimers } = this.#options;
    const starter = `${grant.subject} ${address}`;
    this.#refuseForeign(name, starter);
    const source = audioPath === null ? null : await this.#read(audioPath);
    try {
      // Another client may have been faster while the recording was read.
      const before = this.#refuseForeign(name, starter);
      // It gives its place back at once, and says goodbye to its viewers in its own time.
      void before?.session.close('started anew by its client');
      const session = sessions().create(avatarId, ownerOf(grant, 'streamer'));
      const audio =
        audioPath === null ? null : { token: randomBytes(TOKEN_BYTES).toString('base64url'), path: audioPath };
      const started = new StartedSession({
        session,
        starter,
        subject: grant.subject,
        audio,
        connectViewer,
        unclaimedMs,
        timers,
      });
      this.#started.set(name, started);
      session.onClosed(() => {
        if (this.#started.get(name) === started) this.#started.delete(name);
      });
      if (source) session.play('recording', source);
      this.#lastAvatarId = avatarId;
      return started;
    } catch (error) {
      source?.close();
      throw error;
    }
  }

  /** @throws {AppError} `session_not_found` if there is none of that name, or if it is not the caller's. */
  get(name: string, grant: Grant): StartedSession {
    const started = this.#started.get(name);
    if (started && reaches(grant, { id: started.session.id, subject: started.subject })) return started;
    throw new AppError('session_not_found', `There is no session ${name}; start it first, or again if it has ended.`);
  }

  /** Absolute path of the recording with that token. @throws {AppError} `media_not_found`. */
  audioPath(token: string): string {
    for (const { audio } of this.#started.values()) if (audio?.token === token) return audio.path;
    throw new AppError('media_not_found', 'There is no such recording; its session has ended.');
  }

  #refuseForeign(name: string, starter: string): StartedSession | undefined {
    const before = this.#started.get(name);
    if (!before || before.starter === starter) return before;
    throw new AppError('session_exists', `A session ${name} of another client is running; choose another session_id.`);
  }

  async #read(path: string): Promise<Source> {
    if (this.#reading >= MOST_READING) {
      throw new AppError('rate_limited', 'Too many recordings are being read just now; try again in a second.');
    }
    this.#reading += 1;
    try {
      return await this.#options.openWav(path);
    } finally {
      this.#reading -= 1;
    }
  }
}
