import assert from 'node:assert/strict';
import { rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { probe } from '../../server/codecs/media-file.ts';
import { VideoEncoder } from '../../server/codecs/video-encoder.ts';
import { AppError } from '../../server/errors.ts';
import { type FrameRig, openFrameRig } from '../../server/testing/frame-rig.ts';
import { FrameClient } from '../../web/src/frame-client.js';
import { groups, writeFilm } from './film.ts';
import { carryOut } from './keyboard.ts';
import { readOrder } from './order.ts';
import { loadSpeech, Speaker } from './speaker.ts';
import { Watch } from './watch.ts';

const WAV = join(import.meta.dirname, '../../avatars/sam/hello.wav');
let rig: FrameRig | null = null;
afterEach(async () => {
  await rig?.close();
  rig = null;
});

function refusal(args: string[]): string {
  try {
    readOrder(args, tmpdir());
  } catch (error) {
    assert.ok(error instanceof AppError);
    return error.message;
  }
  throw new assert.AssertionError({ message: `${args.join(' ')} was not refused` });
}

async function connect(isBinary: boolean) {
  rig = await openFrameRig();
  const watch = new Watch();
  const onPicture = (...seen: Parameters<Watch['add']>) => watch.add(seen[0], seen[1]);
  const client = await FrameClient.connect(`${rig.url}anna`, { isBinary }, { onPicture });
  return { client, watch, speaker: new Speaker(client) };
}

test('an order names a server, a user and what to say; a token may come from the environment', () => {
  const order = readOrder(['--avatar', 'sam', '--wav', 'a.wav', '--out', 'b.mp4'], tmpdir(), { MUSECAST_TOKEN: 't' });
  assert.deepEqual(order, {
    url: 'ws://localhost:8080/musetalk/v1/ws/sam',
    token: 't',
    isBinary: false,
    isInteractive: false,
    wav: join(tmpdir(), 'a.wav'),
    out: join(tmpdir(), 'b.mp4'),
    stats: null,
    tailMs: 1000,
  });
  const other = readOrder(['--interactive', '--url', 'https://example.org/face', '--binary'], tmpdir());
  assert.equal(other?.url, 'wss://example.org/face/musetalk/v1/ws/guest');
  assert.equal(readOrder(['-h'], tmpdir()), null);
});

test('what makes no sense is refused in one line that says what was expected', () => {
  assert.match(refusal([]), /^--wav or --interactive is needed/);
  assert.match(refusal(['--wav', 'a.wav', '--avatar', '../x']), /^--avatar must be 1 to 64/);
  assert.match(refusal(['--wav', 'a.wav', '--url', 'localhost']), /^--url must be an address/);
  assert.match(refusal(['--wav', 'a.wav', '--out', 'b.avi']), /^--out must end in \.mp4/);
  assert.match(refusal(['--wav', 'a.wav', '--stats', 'no/such/s.json']), /does not exist/);
  assert.match(refusal(['--wav', 'a.wav', '--tail', '601']), /^--tail must be from 0/);
  assert.match(refusal(['--loud']), /^Unknown option '--loud'/);
});

for (const isBinary of [false, true]) {
  test(`what is said comes back as pictures that say where they belong (${isBinary ? 'binary' : 'base64'})`, async () => {
    const { client, watch, speaker } = await connect(isBinary);
    const speech = (await loadSpeech(WAV)).subarray(0, 16_000);
    await speaker.speak(speech, 'speaking_0');
    while (!watch.seen.some(({ audioMs }) => audioMs !== null && audioMs >= 940)) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    await client.close();
    const figures = watch.figures((ms) => speaker.sentAtMs(ms));
    assert.equal(figures.missing, 0);
    assert.ok(figures.heard >= 24 && figures.heard <= 26, `${figures.heard} pictures of a second`);
    assert.ok(
      figures.soundToPictureP50Ms >= 60,
      `${figures.soundToPictureP50Ms} ms, of which 90 are the session's delay`,
    );
    assert.equal(speaker.pieces.length, 25);
  });
}

test('commands of the keyboard reach the server, and refusals come back in its words', async () => {
  const { client, speaker } = await connect(false);
  const said: string[] = [];
  const talk = { client, speaker, stats: () => 'many', say: (line: string) => void said.push(line) };
  assert.equal(await carryOut(['state', 'speaking'], talk), true);
  assert.equal(await carryOut(['action', '2'], talk), true);
  await carryOut(['clips'], talk);
  await carryOut(['stats'], talk);
  await carryOut([''], talk);
  assert.deepEqual(said, ['speaking: speaking_0', 'action 2 comes', 'idle_0, speaking_0, action_1, action_2', 'many']);
  await assert.rejects(carryOut(['action', '9'], talk), { code: 'MODEL_NOT_FOUND' });
  await assert.rejects(carryOut(['dance'], talk), /There is no command dance/);
  assert.equal(await carryOut(['quit'], talk), false);
  await client.close();
});

test('pictures are grouped from key frame to key frame, and none before the first', () => {
  const of = (keys: string) => groups([...keys].map((key) => ({ isKeyFrame: key === 'K' })));
  assert.deepEqual(
    of('ppKppKKp').map((group) => group.length),
    [3, 1, 2],
  );
});

test('a film has every picture, and sound under those that show it', async () => {
  const path = join(tmpdir(), `film-${process.pid}.mp4`);
  const format = { codec: 'H264', widthPx: 512, heightPx: 512, framesPerSecond: 25, bitrateBps: 500_000 } as const;
  const encoder = await VideoEncoder.open(format);
  const picture = { widthPx: 512, heightPx: 512, data: new Uint8Array(512 * 512 * 1.5).fill(120) };
  const seen = [];
  for (let i = 0; i < 10; i += 1) {
    const { data, isKeyFrame } = await encoder.encode(picture, { frameIndex: i, keyFrame: i % 5 === 0 });
    const audioMs = i < 3 ? null : 40 * (i - 3) - 20;
    seen.push({ data, isKeyFrame, timestampMs: 40 * i, audioMs, action: null, atMs: 0 });
  }
  await encoder.close();
  assert.equal(await writeFilm(path, seen, new Int16Array(16_000).fill(5000)), 10);
  const { durationSeconds, widthPx } = await probe(path);
  assert.equal(widthPx, 512);
  assert.ok(Math.abs((durationSeconds ?? 0) - 0.4) < 0.05, `${durationSeconds} s`);
  assert.ok(statSync(path).size > 1000);
  rmSync(path);
});
