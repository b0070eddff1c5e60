import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { VoiceNetwork } from '../../server/engines/embedded/voice-network.ts';
import { loadWav } from '../../server/sources/wav-file.ts';
import type { Bench, BenchRun } from './bench.ts';
import { atLeast, atMost, formatTable, readable, within } from './figures.ts';
import { loudnessOnly, type Mouths, mouthOfNetwork, mouthOfRules } from './lip-mappings.ts';
import { type Labels, type LipScore, LipScorer } from './lip-score.ts';

const exec = promisify(execFile);
const SCRIPT = join(import.meta.dirname, '../train/voice/held_out.py');
const SENTENCES = 30;
const SENTENCES_QUICK = 6;
const NOISE_BELOW_DB = 10;

/** A voice that the network was not trained on. */
interface Voice {
  readonly name: string;
  /** 48 kHz. */
  readonly sound: Float32Array;
  readonly labels: Labels;
}

type Mapping = (sound: Float32Array) => Promise<Mouths>;

/**
 * How well the mouth's movements fit the speech, for voices never trained on: the network, the rules that came before it, and
 * a jaw that knows loudness only; clean and with noise. The truth is what the same sounds' phones ask of a mouth.
 */
export const lips: Bench = {
  name: 'lips',
  summary: 'Do the lips say what the voice says? On voices never trained on',
  run: async (run) => {
    const folder = await mkdtemp(join(tmpdir(), 'lips-'));
    run.atEnd(() => rm(folder, { recursive: true, force: true }));
    const voices = await speak(run, folder);
    if (voices.length === 0)
      throw new Error('no voice could be made: apt-get install flite festival espeak-ng python3-numpy');
    const network = await VoiceNetwork.open();
    run.atEnd(() => network.close());
    const mappings: Readonly<Record<string, Mapping>> = {
      network: (sound) => mouthOfNetwork(network, sound),
      rules: mouthOfRules,
      loudness: loudnessOnly,
    };
    const rows: string[][] = [];
    const ofNetwork = new Map<string, LipScore>();
    for (const noise of ['clean', 'noise'] as const) {
      for (const [name, mapping] of Object.entries(mappings)) {
        const all = new LipScorer();
        const synthetic = new LipScorer();
        for (const voice of voices) {
          const sound = noise === 'clean' ? voice.sound : withNoise(voice.sound);
          const own = new LipScorer();
          const mouths = await mapping(sound);
          for (const scorer of [own, all, ...(voice.name === 'recordings' ? [] : [synthetic])])
            scorer.add(mouths, voice.labels);
          rows.push([noise, name, voice.name, ...cells(own.score())]);
        }
        rows.push([noise, name, 'all but recordings', ...cells(synthetic.score())]);
        rows.push([noise, name, 'all', ...cells(all.score())]);
        addFigures(run, noise, name, all.score());
        if (name === 'network') ofNetwork.set(noise, all.score());
      }
    }
    run.say(formatTable([HEADINGS, ...rows], [3, 4, 5, 6, 7]));
    addLosses(run, ofNetwork.get('clean'), ofNetwork.get('noise'));
  },
};

const HEADINGS = ['sound', 'mapping', 'voice', 'jaw corr', 'lag ms', 'classes', 'closures', 'false'];

function cells(score: LipScore): string[] {
  const { jawCorrelation, lagMs, classAccuracy, closureRecall, falseClosures } = score;
  return [jawCorrelation, lagMs, classAccuracy, closureRecall, falseClosures].map(readable);
}

function addFigures({ figures }: BenchRun, noise: 'clean' | 'noise', name: string, score: LipScore): void {
  const title = `${name}, ${noise === 'clean' ? 'clean' : `noise ${NOISE_BELOW_DB} dB below`}`;
  const isJudged = name === 'network' && noise === 'clean';
  figures.add(`closures of p b m seen, ${title}`, score.closureRecall, '', isJudged ? atLeast(0.9) : null);
  figures.add(`closures in vowels, ${title}`, score.falseClosures, '', isJudged ? atMost(0.03) : null);
  figures.add(`jaw correlation, ${title}`, score.jawCorrelation, '', isJudged ? atLeast(0.8) : null);
  figures.add(`best lag, ${title}`, score.lagMs, 'ms', isJudged ? within(-20, 20) : null);
  figures.add(`balanced accuracy of six shapes, ${title}`, score.classAccuracy, '');
}

/** What noise leaves of each figure. Of the vowels, those that stay open count, not those that close. */
function addLosses({ figures }: BenchRun, clean: LipScore | undefined, noisy: LipScore | undefined): void {
  if (!clean || !noisy) return;
  const left = (of: (score: LipScore) => number): number => of(noisy) / of(clean);
  for (const [name, of] of [
    ['closures', (score: LipScore) => score.closureRecall],
    ['open vowels', (score: LipScore) => 1 - score.falseClosures],
    ['jaw correlation', (score: LipScore) => score.jawCorrelation],
    ['balanced accuracy', (score: LipScore) => score.classAccuracy],
  ] as const) {
    figures.add(`${name} in noise by those without`, left(of), '', atLeast(0.8));
  }
}

async function speak(run: BenchRun, folder: string): Promise<Voice[]> {
  const python = await findPython();
  const count = String(run.isQuick ? SENTENCES_QUICK : SENTENCES);
  const { stdout } = await exec(python, ['-B', SCRIPT, '--out', folder, '--count', count]);
  for (const line of stdout.split('\n').filter(Boolean)) run.say(line);
  const names = (await readdir(folder)).filter((name) => name.endsWith('.wav')).map((name) => name.slice(0, -4));
  return Promise.all(
    names.sort().map(async (name) => ({
      name,
      sound: await loadWav(join(folder, `${name}.wav`)),
      labels: JSON.parse(await readFile(join(folder, `${name}.json`), 'utf8')) as Labels,
    })),
  );
}

/** The system's Python comes first: Debian's packages of numpy and PocketSphinx belong to it. */
async function findPython(): Promise<string> {
  for (const python of ['/usr/bin/python3', 'python3']) {
    const found = await exec(python, ['-c', 'import numpy']).catch(() => null);
    if (found) return python;
  }
  throw new Error('this bench needs Python with numpy: apt-get install python3 python3-numpy');
}

/** White noise, as loud as {@link NOISE_BELOW_DB} below the mean of what sounds. Always the same. */
function withNoise(sound: Float32Array): Float32Array {
  const sounding = sound.filter((value) => Math.abs(value) > 1e-3);
  const rms = Math.sqrt(sounding.reduce((sum, value) => sum + value * value, 0) / sounding.length);
  const gain = rms * 10 ** (-NOISE_BELOW_DB / 20) * Math.sqrt(3);
  let state = 1;
  return sound.map((value) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return value + gain * (state / 2 ** 31 - 1);
  });
}
