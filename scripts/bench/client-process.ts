/** A process full of viewers, started and told what to do by clients.ts over the IPC channel. */
import { setTimeout as sleep } from 'node:timers/promises';
import { CHUNK_MS } from '../../server/audio/pcm.ts';
import type { ClientEvents } from '../../server/transports/webrtc-client.ts';
import { Arrivals } from './arrivals.ts';
import { answerRequests } from './asked-process.ts';
import type { ClientFigures, ClientRequest } from './clients.ts';
import { loadSpeech, quietRoom } from './speech.ts';
import { percentile } from './statistics.ts';
import { Viewer } from './viewer.ts';

/** Viewers do not all come at once, and their packets not at the same moment. */
const BETWEEN_VIEWERS_MS = 73;
/**
 * One in so many deciphers and checks what comes in, as real viewers do, and would find out a server that sends garbage. The
 * others count by the headers: real viewers take no CPU of the server's machine.
 */
const DECIPHERS_EVERY = 8;
const BLIND_AFTER_MS = 1000;

interface Watching {
  readonly viewer: Viewer;
  readonly media: 'whole' | 'headers';
  readonly arrivals: Arrivals;
  readonly stop: () => void;
}

const watching: Watching[] = [];
let ended = 0;

async function open({ url, count, voice }: Extract<ClientRequest, { name: 'open' }>): Promise<void> {
  const sound = voice === 'speech' ? await loadSpeech() : await quietRoom();
  for (let i = 0; i < count; i += 1) {
    const arrivals = new Arrivals();
    const media = watching.length % DECIPHERS_EVERY === 0 ? 'whole' : 'headers';
    const events: ClientEvents = {
      onVideoFrame: (frame) => arrivals.add(frame),
      onClosed: () => {
        ended += 1;
      },
    };
    const viewer = await Viewer.connect(url, events, media);
    const start = Math.floor((sound.length * (watching.length % 7)) / 7);
    watching.push({ viewer, media, arrivals, stop: talk(viewer, sound, start) });
    await sleep(BETWEEN_VIEWERS_MS);
  }
}

/** Sends `sound` over and over from packet `start` on, one packet every 20 ms by the clock. Returns what stops it. */
function talk(viewer: Viewer, sound: readonly Uint8Array[], start: number): () => void {
  const originMs = performance.now();
  let sent = 0;
  let timer: NodeJS.Timeout;
  const sendDue = (): void => {
    for (; originMs + sent * CHUNK_MS <= performance.now(); sent += 1) {
      viewer.sendSound(sound[(start + sent) % sound.length]);
    }
    timer = setTimeout(sendDue, Math.ceil(originMs + sent * CHUNK_MS - performance.now()));
  };
  sendDue();
  return () => clearTimeout(timer);
}

async function close(): Promise<void> {
  const leaving = watching.splice(0);
  for (const { stop } of leaving) stop();
  await Promise.all(leaving.map(({ viewer }) => viewer.close()));
}

function reset(): void {
  for (const { arrivals } of watching) arrivals.reset();
}

function figures(): ClientFigures {
  const gapsMs = watching.flatMap(({ arrivals }) => arrivals.gapsMs());
  return {
    viewers: watching.length,
    ended,
    deciphering: watching.filter(({ media }) => media === 'whole').length,
    blind: watching.filter(({ arrivals }) => arrivals.sinceLastMs(performance.now()) > BLIND_AFTER_MS).length,
    frames: watching.reduce((sum, { arrivals }) => sum + arrivals.count, 0),
    missing: watching.reduce((sum, { arrivals }) => sum + arrivals.missing(), 0),
    gapP50Ms: percentile(gapsMs, 0.5),
    gapP99Ms: percentile(gapsMs, 0.99),
    gapMaxMs: percentile(gapsMs, 1),
    latenessGrowth: percentile(
      watching.map(({ arrivals }) => arrivals.latenessGrowth()),
      0.5,
    ),
  };
}

async function answer(request: ClientRequest): Promise<ClientFigures | null> {
  switch (request.name) {
    case 'open':
      await open(request);
      return null;
    case 'close':
      await close();
      return null;
    case 'reset':
      reset();
      return null;
    case 'figures':
      return figures();
  }
}

answerRequests(answer);
