import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { type Frame, frameSizeBytes } from '../codecs/frame.ts';
import { readPictures } from '../codecs/media-file.ts';
import { fromRgb, toRgb, writePng } from '../codecs/picture.ts';
import { AvatarRefused } from './avatar-report.ts';
import { prepareAvatar } from './preparation.ts';

const AVATARS = resolve(import.meta.dirname, '../../avatars');
const folder = mkdtempSync(join(tmpdir(), 'odd-sources-'));
after(() => rmSync(folder, { recursive: true }));

let sam: Frame;
let anna: Frame;
before(async () => {
  [sam, anna] = [await portrait('sam'), await portrait('anna')];
});

async function portrait(id: string): Promise<Frame> {
  for await (const frame of readPictures(join(AVATARS, id, 'portrait.png'), {
    widthPx: 256,
    heightPx: 256,
    framesPerSecond: 25,
  })) {
    return frame;
  }
  throw new Error(`${id} has no portrait`);
}

function entry(id: string, videoFile: string) {
  return { id, name: id, preparation: true, bboxShiftPx: 0, videoPath: id, videoFile, audioClips: {} };
}

/** Prepares a file that must be refused; nothing may be left of it. */
async function refusal(id: string, bytes: Uint8Array | string): Promise<AvatarRefused> {
  const path = join(folder, id);
  writeFileSync(path, bytes);
  const refused = await prepareAvatar(entry(id.replace('.', '-'), path), folder).then(
    () => assert.fail(`${id} became an avatar`),
    (error: unknown) => error,
  );
  assert.ok(refused instanceof AvatarRefused, String(refused));
  assert.equal(refused.report.level, 'refused');
  assert.ok(refused.report.findings.every(({ level, advice }) => level === 'ok' || advice !== null));
  assert.deepEqual(readdirSync(join(folder, id.replace('.', '-'))), []);
  return refused;
}

/** A picture of several others side by side, and grey where nothing is. */
function beside(pictures: readonly Frame[], widthPx: number, heightPx: number): Frame {
  const pixels = new Uint8Array(widthPx * heightPx * 3).fill(128);
  let left = 0;
  for (const picture of pictures) {
    const rgb = toRgb(picture);
    const rowBytes = picture.widthPx * 3;
    for (let row = 0; row < picture.heightPx; row++) {
      pixels.set(rgb.subarray(row * rowBytes, (row + 1) * rowBytes), (row * widthPx + left) * 3);
    }
    left += picture.widthPx;
  }
  return fromRgb(pixels, widthPx, heightPx);
}

test('a text that is called a picture is told to be of another kind', async () => {
  const { code, report } = await refusal('text.png', 'Dear diary, this is no picture.');
  assert.equal(code, 'media_unreadable');
  assert.match(report.findings[0].found, /a file of another kind/);
});

test('a picture of one pixel is told its size', async () => {
  const { report } = await refusal('dot.png', ONE_PIXEL);
  assert.match(report.findings[0].found, /1x1 px, each side must have 16/);
});

test('a picture of 30000 pixels a side is not unpacked', async () => {
  const bomb = Buffer.from(ONE_PIXEL);
  // IHDR (PNG §11.2.2): width and height come first; FFmpeg does not mind the checksum.
  bomb.writeUInt32BE(30_000, 16);
  bomb.writeUInt32BE(30_000, 20);
  const { report } = await refusal('bomb.png', bomb);
  assert.match(report.findings[0].found, /4096/);
});

test('a film cut short is told to be', async () => {
  const whole = readFileSync(join(AVATARS, 'anna/idle_0.mp4'));
  const none = await refusal('none.mp4', whole.subarray(0, 30_000));
  assert.match(none.report.findings[0].found, /none of its 125 pictures can be decoded; it is cut short/);
  const some = await refusal('some.mp4', whole.subarray(0, 200_000));
  assert.match(some.report.findings[0].found, /cut short: \d+ of 125 pictures/);
});

test('a film without pictures is told to have none', async () => {
  const { report } = await refusal('sound.mp4', Buffer.from(SOUND_ONLY, 'base64'));
  assert.match(report.findings[0].found, /it has no pictures/);
});

test('a wall is told to have no face', async () => {
  const path = join(folder, 'plain.png');
  await writePng(path, { widthPx: 320, heightPx: 240, data: new Uint8Array(frameSizeBytes(320, 240)).fill(128) });
  const { code, report, message } = await refusal('wall.png', readFileSync(path));
  assert.equal(code, 'face_not_found');
  assert.match(report.findings[0].found, /No face of a person .* There seems to be nobody/);
  assert.match(message, /no face found in the picture .*wall\.png/);
});

test('a person whose face is hidden is told apart from a wall', async () => {
  const hidden = toRgb(sam);
  const { widthPx } = sam;
  for (let y = 95; y < 190; y++)
    hidden.fill(hidden[(80 * widthPx + 128) * 3 + 1], (y * widthPx + 80) * 3, (y * widthPx + 176) * 3);
  const path = join(folder, 'mask.png');
  await writePng(path, fromRgb(hidden, widthPx, widthPx));
  const { code, report } = await refusal('hidden.png', readFileSync(path));
  assert.equal(code, 'face_not_found');
  assert.match(report.findings[0].found, /There is a person, whose face is turned away, covered or too small/);
});

test('a face of few pixels is told how large it is and should be', async () => {
  const path = join(folder, 'far.png');
  const tiny = beside([await small(sam, 64)], 256, 256);
  await writePng(path, tiny);
  const { code, report } = await refusal('tiny.png', readFileSync(path));
  assert.equal(code, 'avatar_invalid');
  const finding = report.findings.find(({ subject }) => subject === 'face_size');
  assert.match(
    `${finding?.found} ${finding?.advice}`,
    /is \d\d pixels high\. Use a picture in which it has at least 48/,
  );
});

async function small(frame: Frame, sizePx: number): Promise<Frame> {
  const path = join(folder, 'small.png');
  await writePng(path, frame);
  for await (const scaled of readPictures(path, { widthPx: sizePx, heightPx: sizePx, framesPerSecond: 25 }))
    return scaled;
  throw new Error('nothing was read');
}

test('of two people the one who is clearly larger is taken, and it is said which and why', async () => {
  const path = join(folder, 'two.png');
  await writePng(path, beside([await small(anna, 160), sam], 512, 256));
  const { report } = await prepareAvatar(entry('two', path), folder);
  assert.match(
    report.findings[0].found,
    /^2 faces; the one in the middle was taken, since the next one is \d\d % as high/,
  );
});

test('of two people side by side none is taken, and it is said why', async () => {
  const path = join(folder, 'pair.png');
  await writePng(path, beside([anna, sam], 768, 256));
  const { code, report } = await refusal('both.png', readFileSync(path));
  assert.equal(code, 'avatar_invalid');
  assert.match(report.findings[0].found, /^2 faces, and none is clearly the largest/);
});

/** A PNG file, RGB. */
const ONE_PIXEL = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC',
  'base64',
);

/** An mp4 with a twentieth of a second of a tone. */
const SOUND_ONLY = [
  'AAAAHGZ0eXBpc29tAAACAGlzb21pc28ybXA0MQAAAvptb292AAAAbG12aGQAAAAAAAAAAAAAAAAAAAPoAAAAMgABAAABAAAAAAAAAAAAAAAAAQ',
  'AAAAAAAAAAAAAAAAAAAAEAAAAAAAAAAAAAAAAAAEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAACAAACSXRyYWsAAABcdGtoZAAAAAMA',
  'AAAAAAAAAAAAAAEAAAAAAAAAMgAAAAAAAAAAAAAAAQEAAAAAAQAAAAAAAAAAAAAAAAAAAAEAAAAAAAAAAAAAAAAAAEAAAAAAAAAAAAAAAAAAAC',
  'RlZHRzAAAAHGVsc3QAAAAAAAAAAQAAADIAAAQAAAEAAAAAAcFtZGlhAAAAIG1kaGQAAAAAAAAAAAAAAAAAAKxEAAAMnVXEAAAAAAAtaGRscgAA',
  'AAAAAAAAc291bgAAAAAAAAAAAAAAAFNvdW5kSGFuZGxlcgAAAAFsbWluZgAAABBzbWhkAAAAAAAAAAAAAAAkZGluZgAAABxkcmVmAAAAAAAAAA',
  'EAAAAMdXJsIAAAAAEAAAEwc3RibAAAAH5zdHNkAAAAAAAAAAEAAABubXA0YQAAAAAAAAABAAAAAAAAAAAAAgAQAAAAAKxEAAAAAAA2ZXNkcwAA',
  'AAADgICAJQABAASAgIAXQBUAAAAAAEloAABJaAWAgIAFEghW5QAGgICAAQIAAAAUYnRydAAAAAAAAEloAABJaAAAACBzdHRzAAAAAAAAAAIAAA',
  'ADAAAEAAAAAAEAAACdAAAAHHN0c2MAAAAAAAAAAQAAAAEAAAAEAAAAAQAAACRzdHN6AAAAAAAAAAAAAAAEAAAALgAAAEgAAAAxAAAABQAAABRz',
  'dGNvAAAAAAAAAAEAAAMmAAAAGnNncGQBAAAAcm9sbAAAAAIAAAAB//8AAAAcc2JncAAAAAByb2xsAAAAAQAAAAQAAAABAAAAPXVkdGEAAAA1bW',
  'V0YQAAAAAAAAAhaGRscgAAAAAAAAAAbWRpcmFwcGwAAAAAAAAAAAAAAAAIaWxzdAAAAAhmcmVlAAAAtG1kYXQBUEqKpXPrn661xa7uS5dj6fT6',
  'X3x1VVbPlNMUVVSMs0xRVceOWaaLjx4/LLl4ATiK2sjKJSyUslHP6+3X/pX79cf28fz54/r7/z54Df62jGMRdAmWELPyBuLKOI1/Ia4TYS7/CF',
  'WGCComTxc88X0Y5eIaiijgAUKLpgjLIyyUCn11x+nv++uM/bzxwJO4Q91L34QiRIkdP7CdssBQaUGn7r+598juXgEYgbRw',
].join('');
