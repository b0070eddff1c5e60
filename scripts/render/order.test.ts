import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { defaultSettings } from '../../server/config/config.ts';
import { AppError } from '../../server/errors.ts';
import { findAvatar } from './find-avatar.ts';
import { mouthLine } from './mouth-line.ts';
import { readOrder } from './order.ts';

const NEEDED = ['--avatar', 'sam', '--audio', 'a.wav', '--out', 'b.mp4'];

function refusal(args: string[]): string {
  try {
    readOrder(args, tmpdir());
  } catch (error) {
    assert.ok(error instanceof AppError);
    return error.message;
  }
  throw new assert.AssertionError({ message: `${args.join(' ')} was not refused` });
}

test('an order needs an avatar, a recording and a film; the rest has defaults', () => {
  assert.deepEqual(readOrder(NEEDED, tmpdir()), {
    avatar: 'sam',
    audio: join(tmpdir(), 'a.wav'),
    out: join(tmpdir(), 'b.mp4'),
    sheet: null,
    params: null,
    engine: null,
    crf: 18,
    config: null,
  });
  assert.equal(readOrder(['--help'], tmpdir()), null);
});

test('what makes no sense is refused before any work, in one line that says what was expected', () => {
  assert.match(refusal([]), /^--out is needed/);
  assert.match(refusal(NEEDED.slice(2)), /^--avatar is needed/);
  assert.match(refusal([...NEEDED, '--crf', '52']), /^--crf must be from 0 to 51, got 52/);
  assert.match(refusal([...NEEDED, '--crf', 'x']), /^--crf must be/);
  assert.match(
    refusal([...NEEDED, '--engine', 'magic']),
    /^--engine must be one of static, embedded, musetalk, got magic/,
  );
  assert.match(refusal([...NEEDED, '--sheet', 'sheet.jpg']), /^--sheet must end in \.png/);
  assert.match(refusal([...NEEDED, '--params', 'no/such/p.jsonl']), /^--params .* does not exist/);
  assert.match(refusal([...NEEDED, '--loud']), /^Unknown option '--loud'/);
  for (const args of [[], [...NEEDED, '--loud'], [...NEEDED, 'word'], [...NEEDED, '--crf']]) {
    assert.ok(!refusal(args).includes('\n'), refusal(args));
  }
});

test('an avatar that is neither configured nor prepared is refused with those that are', async () => {
  const entry = { name: 'Sam', preparation: true, bboxShiftPx: 0, videoPath: '', videoFile: '', audioClips: {} };
  const config = { settings: defaultSettings(), avatars: [{ ...entry, id: 'sam' }] };
  await assert.rejects(findAvatar('nobody', config, tmpdir()), {
    code: 'avatar_not_found',
    message: /^--avatar must be one of sam, or the folder of a prepared avatar, got nobody, which is neither\.$/,
  });
});

test('a mouth is one line of JSON with short numbers', () => {
  const zeros = { lower: 0, upper: 0, spread: 0, round: 0, press: 0, tuck: 0, tongue: 0 };
  const silent = { sil: 0, PP: 0, FF: 0, TH: 0, DD: 0, kk: 0, CH: 0, SS: 0, nn: 0, RR: 0, E: 0, ih: 0, oh: 0, ou: 0 };
  const line = mouthLine({
    frame: 3,
    timeMs: 120,
    parameters: { jaw: 1 / 3, ...zeros },
    visemes: { ...silent, aa: 1 },
  });
  assert.ok(line.endsWith('}\n'));
  const { time_ms, parameters, visemes } = JSON.parse(line);
  assert.deepEqual([time_ms, parameters.jaw, visemes.aa], [120, 0.3333, 1]);
});
