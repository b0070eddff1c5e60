import { join } from 'node:path';
import { FRAME_SAMPLES, FRAMES_PER_SECOND, SAMPLE_RATE_HZ } from '../audio/pcm.ts';
import type { Avatar } from '../avatars/avatar.ts';
import { loadAvatar } from '../avatars/load-avatar.ts';
import { readManifest } from '../avatars/prepared-files.ts';
import { VideoEncoder } from '../codecs/video-encoder.ts';
import type { Config } from '../config/config.ts';
import { silentLog } from '../log.ts';
import { Metrics } from '../metrics.ts';
import { renderSpeech } from '../render/render-speech.ts';
import { Scheduler } from '../scheduler/scheduler.ts';
import { loadWav } from '../sources/wav-file.ts';
import type { Finding } from './finding.ts';

const SPEECH_S = 4;
/** Share of the processor that sessions may take before pictures come late: what `npm run bench -- sessions` found. */
const USABLE_SHARE = 0.65;
const BASE = { area: 'capacity', name: 'embedded engine' };

/** How many talking sessions the embedded engine carries here, from the CPU time of a few seconds of speech. */
export async function examineCapacity(config: Config, cores: number): Promise<Finding> {
  const speaker = await findSpeaker(config);
  if (speaker === null) {
    const advice = 'start the server once, which prepares them, and ask again';
    return { ...BASE, verdict: 'note', found: 'not measured: no avatar with a sample of speech is prepared', advice };
  }
  return capacityOf(await cpuMsPerPicture(speaker.avatar, speaker.samples), cores);
}

export function capacityOf(cpuMs: number, cores: number): Finding {
  const sessions = Math.floor((cores * 1000 * USABLE_SHARE) / (FRAMES_PER_SECOND * cpuMs));
  const found = `about ${sessions} talking sessions: ${cpuMs.toFixed(1)} ms of CPU a picture over ${SPEECH_S} s of speech, ${cores} cores, ${USABLE_SHARE * 100} % of them used; network not counted`;
  const advice = 'measured by npm run doctor in a few seconds; npm run bench -- sessions measures with viewers';
  return { ...BASE, verdict: sessions > 0 ? 'good' : 'note', found, advice };
}

/** What to expect of MuseTalk, from what was found of the providers; the server measures it when it starts. */
export function expectMusetalk(providers: readonly Finding[]): Finding {
  const base = { area: BASE.area, name: 'musetalk engine' };
  const fast = providers.filter(({ name, verdict }) => name !== 'cpu' && verdict === 'good').map(({ name }) => name);
  if (fast.length > 0) {
    const advice = 'npm run bench -- musetalk; the server measures it too when it starts, and takes no more sessions';
    return { ...base, verdict: 'note', found: `not measured here; it would compute on ${fast[0]}`, advice };
  }
  const found = 'none in real time: the processor takes seconds for a picture';
  return { ...base, verdict: 'note', found, advice: 'a GPU, see providers; or engine.musetalk.remote_url' };
}

async function findSpeaker({ avatars, settings }: Config): Promise<{ avatar: Avatar; samples: Float32Array } | null> {
  for (const entry of avatars) {
    const [clip] = Object.values(entry.audioClips);
    const folder = join(settings.media.preparedFolder, entry.id, 'prepared');
    const manifest = clip === undefined ? null : await readManifest(folder);
    if (clip === undefined || !manifest) continue;
    const speech = (await loadWav(clip)).subarray(0, SPEECH_S * SAMPLE_RATE_HZ);
    return { avatar: await loadAvatar(entry, folder, manifest, 'idle'), samples: speech };
  }
  return null;
}

/** CPU time of this process per picture: listening, drawing, composing and encoding of one session. */
async function cpuMsPerPicture(avatar: Avatar, samples: Float32Array): Promise<number> {
  const engine = { id: 'embedded', moduleUrl: null };
  const common = { log: silentLog(), metrics: new Metrics() };
  const scheduler = await Scheduler.open({ engine, workers: 1, avatars: [avatar], ...common });
  const { widthPx, heightPx } = avatar;
  const encoder = await VideoEncoder.open({
    codec: 'H264',
    widthPx,
    heightPx,
    framesPerSecond: FRAMES_PER_SECOND,
    bitrateBps: 600_000,
  });
  let frameIndex = 0;
  const film = {
    writeFrame: async (frame: Parameters<VideoEncoder['encode']>[0]) => {
      await encoder.encode(frame, { frameIndex: frameIndex++, keyFrame: false });
    },
    writeAudio: async () => {},
  };
  try {
    // The first time the engine looks at the avatar's frames as well, which it does once.
    await renderSpeech({ avatar, samples, scheduler, film });
    const before = process.cpuUsage();
    await renderSpeech({ avatar, samples, scheduler, film });
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000 / (samples.length / FRAME_SAMPLES);
  } finally {
    await encoder.close();
    await scheduler.close();
  }
}
