import { FeatureStream, type WindowSpec } from '../../server/audio/feature-stream.ts';
import { CHUNK_SAMPLES, FRAME_SAMPLES } from '../../server/audio/pcm.ts';
import { Decimator } from '../../server/audio/resampler.ts';
import { spec } from '../../server/engines/embedded/embedded.ts';
import type { VoiceNetwork } from '../../server/engines/embedded/voice-network.ts';
import { VoiceToMouth } from '../../server/engines/embedded/voice-to-mouth.ts';
import { MOUTH_PARAMETERS } from '../../server/engines/engine.ts';
import { HISTORY_MS, LOOK_AHEAD_MS, MouthRules } from './mouth-rules.ts';

/** The `MOUTH_PARAMETERS` of every video frame. */
export type Mouths = readonly Float32Array[];

/** What the product does: network, gate and all. @param sound Mono at 48 kHz. */
export async function mouthOfNetwork(network: VoiceNetwork, sound: Float32Array): Promise<Mouths> {
  const voice = new VoiceToMouth(network);
  const mouths: Float32Array[] = [];
  for (const window of windowsOf(sound, spec.features)) {
    const mouth = new Float32Array(MOUTH_PARAMETERS.length);
    await voice.step(window, 0, mouth);
    mouths.push(mouth);
  }
  return mouths;
}

export async function mouthOfRules(sound: Float32Array): Promise<Mouths> {
  const rules = new MouthRules();
  const windows = windowsOf(sound, { kind: 'log-mel', historyMs: HISTORY_MS, lookAheadMs: LOOK_AHEAD_MS });
  return windows.map((window) => {
    const mouth = new Float32Array(MOUTH_PARAMETERS.length);
    rules.step(window, 0, mouth);
    return mouth;
  });
}

/** A jaw that opens with the frame's level, from 35 dB below the loudest on. */
export async function loudnessOnly(sound: Float32Array): Promise<Mouths> {
  const levels = Array.from({ length: Math.floor(sound.length / FRAME_SAMPLES) }, (_, frame) => {
    const samples = sound.subarray(frame * FRAME_SAMPLES, (frame + 1) * FRAME_SAMPLES);
    return 10 * Math.log10(samples.reduce((sum, value) => sum + value * value, 0) / FRAME_SAMPLES + 1e-9);
  });
  const loudest = Math.max(...levels);
  return levels.map((level) => {
    const mouth = new Float32Array(MOUTH_PARAMETERS.length);
    mouth[0] = 0.5 * Math.min(1, Math.max(0, (level - loudest + 35) / 35));
    return mouth;
  });
}

function windowsOf(sound: Float32Array, wanted: WindowSpec): Float32Array[] {
  const decimator = new Decimator();
  const stream = new FeatureStream(wanted);
  const windows: Float32Array[] = [];
  for (let at = 0; at + CHUNK_SAMPLES <= sound.length; at += CHUNK_SAMPLES) {
    stream.push(decimator.process(sound.subarray(at, at + CHUNK_SAMPLES)));
    while (stream.isReady(windows.length)) windows.push(stream.window(windows.length));
  }
  return windows;
}
