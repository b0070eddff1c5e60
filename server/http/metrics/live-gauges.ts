import { FRAME_MS } from '../../audio/pcm.ts';
import { DOORS, type SessionOwner } from '../../session/session-owner.ts';
import type { EncoderFigures } from '../../session/viewers.ts';
import type { AvatarGallery } from '../avatar-gallery.ts';
import type { GaugeFamily } from './exposition.ts';

const SESSION_STATES = ['waiting', 'live'] as const;
const AVATAR_STATES = ['waiting', 'preparing', 'ready', 'failed'] as const;
const CODECS = ['H264', 'VP8'] as const;

/** What gauges want to know of a session (session/session.ts). */
export interface MeasuredSession {
  readonly state: 'waiting' | 'live' | 'closed';
  readonly owner: SessionOwner | null;
  figures(): { readonly jitter_buffer_ms: number };
  encoders(): readonly EncoderFigures[];
}

/** How many sessions talk, and what each of them gets (scheduler/mouth-rates.ts). */
export interface EngineSharing {
  readonly rate: number;
  readonly talking: { readonly all: number; readonly resting: number };
}

export interface LiveSources {
  readonly version: string;
  readonly capacity: () => number;
  readonly gallery: AvatarGallery;
  readonly sessions: () => readonly MeasuredSession[];
  /** The engine that runs; null before one does. */
  readonly engine: () => {
    readonly id: string;
    readonly device: string;
    readonly waitingMs: number;
    /** How a device is shared out among the sessions that talk; null for an engine without. */
    readonly sharing: EngineSharing | null;
  } | null;
}

/** What is so now: looked up with every look, bounded in its labels, and never about a single session. */
export function liveGauges({ version, capacity, gallery, sessions, engine }: LiveSources): readonly GaugeFamily[] {
  const encoders = () => sessions().flatMap((session) => session.encoders());
  return [
    {
      name: 'musecast_build_info',
      help: 'Always 1; the labels tell what runs.',
      read: () => [{ labels: { version, node: process.version }, value: 1 }],
    },
    {
      name: 'musecast_engine_info',
      help: 'Always 1; the labels tell which engine draws the mouths. Absent until one runs.',
      read: () => {
        const running = engine();
        return running ? [{ labels: { engine: running.id, device: running.device }, value: 1 }] : [];
      },
    },
    {
      name: 'musecast_sessions',
      help: 'Sessions now, by state (waiting for their first viewer, or live) and the door that they came through.',
      read: () => {
        const now = sessions();
        const count = (state: string, door: string) =>
          now.filter((session) => session.state === state && session.owner?.door === door).length;
        return SESSION_STATES.flatMap((state) =>
          DOORS.map((door) => ({ labels: { state, door }, value: count(state, door) })),
        );
      },
    },
    {
      name: 'musecast_sessions_capacity',
      help: 'Most sessions at once.',
      read: () => [{ labels: {}, value: capacity() }],
    },
    {
      name: 'musecast_engine_talking',
      help: 'Sessions whose mouths a shared device draws, and those whose faces rest until their turn comes. Absent without such a device.',
      read: () => {
        const sharing = engine()?.sharing;
        if (!sharing) return [];
        const { all, resting } = sharing.talking;
        return [
          { labels: { face: 'drawn' }, value: all - resting },
          { labels: { face: 'resting' }, value: resting },
        ];
      },
    },
    {
      name: 'musecast_engine_mouths_per_second',
      help: 'New mouths a second that a shared device draws for each session that talks: 25, or less where it has too much to do.',
      read: () => {
        const sharing = engine()?.sharing;
        return sharing ? [{ labels: {}, value: sharing.rate }] : [];
      },
    },
    {
      name: 'musecast_avatars',
      help: 'Avatars by state.',
      read: () => {
        const states = gallery.progress().map(({ state }) => state);
        return AVATAR_STATES.map((state) => ({
          labels: { state },
          value: states.filter((each) => each === state).length,
        }));
      },
    },
    {
      name: 'musecast_queue_seconds',
      help: 'The longest queue of each kind among all sessions: sound that came in and waits to be taken, a picture that waits for the engine, encoded pictures that wait for their time.',
      read: () => [
        {
          labels: { queue: 'sound_in' },
          value: longest(sessions().map((session) => session.figures().jitter_buffer_ms)),
        },
        { labels: { queue: 'engine' }, value: (engine()?.waitingMs ?? 0) / 1000 },
        { labels: { queue: 'encoded' }, value: longest(encoders().map((each) => each.waitingPictures * FRAME_MS)) },
      ],
    },
    {
      name: 'musecast_encoders',
      help: 'Encoders of pictures, by codec: one for each codec of each session.',
      read: () =>
        CODECS.map((codec) => ({ labels: { codec }, value: encoders().filter((each) => each.codec === codec).length })),
    },
    {
      name: 'musecast_encoder_bitrate_bits_per_second',
      help: 'What encoders aim at, their mean by codec. Absent while there is none.',
      read: () =>
        CODECS.map((codec) => ({
          labels: { codec },
          value: meanBitrate(encoders().filter((each) => each.codec === codec)),
        })),
    },
  ];
}

function longest(milliseconds: readonly number[]): number {
  return Math.max(0, ...milliseconds) / 1000;
}

/** NaN for none. */
function meanBitrate(encoders: readonly EncoderFigures[]): number {
  return encoders.reduce((sum, { bitrateBps }) => sum + bitrateBps, 0) / encoders.length;
}
