import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Avatar, avatarFrame, CROP_SIZE_PX, GEOMETRY_SIZE } from '../../server/avatars/avatar.ts';
import { Composer } from '../../server/avatars/compose.ts';
import { CROP_PLANE_SIZE, cutMouth, MOUTH_CROP_BYTES } from '../../server/avatars/mouth-crop.ts';
import { decodeVideo } from '../../server/codecs/decode-video.ts';
import type { Frame } from '../../server/codecs/frame.ts';
import type { Packet } from '../../server/codecs/packet.ts';
import { writePng } from '../../server/codecs/picture.ts';
import { VideoEncoder } from '../../server/codecs/video-encoder.ts';
import { loadConfig } from '../../server/config/config.ts';
import { type ClosedMouth, ClosedMouths, closedMouth } from '../../server/engines/embedded/closed-mouths.ts';
import { MouthDrawer } from '../../server/engines/embedded/mouth-drawer.ts';
import { PictureNetwork } from '../../server/engines/embedded/picture-network.ts';
import { findAvatar } from '../render/find-avatar.ts';
import type { Bench, BenchRun } from './bench.ts';
import { atLeast, atMost, formatTable, readable, within } from './figures.ts';
import { loadFaces } from './mouth-faces.ts';
import { MouthSheet } from './mouth-sheet.ts';
import { type Luma, meanDifference, type PictureScore, scorePicture } from './picture-score.ts';
import { median } from './statistics.ts';

const REPOSITORY = join(import.meta.dirname, '../..');
const SHEET_FOLDER = 'out';
const SETS = [
  { name: 'rasterizer', title: 'training renderer', sizePx: 160 },
  { name: 'blender', title: 'Blender', sizePx: 512 },
] as const;
const QUICK_FACES = 6;
const SPEED_RUNS = 300;

/** What is held still while the avatar moves: an open mouth. */
const HELD = Float32Array.of(0.4, 0.1, 0.1, 0.1, 0, 0, 0, 0.1);
const HELD_AVATAR = 'sam';
const HELD_FRAMES = 100;
/** What a viewer gets over a fair line. */
const VIEWER_BITRATE_BPS = 1_000_000;

/** Where speech changes a face, in the crop: lips, their surroundings, chin. */
const REGION = Uint8Array.from({ length: CROP_SIZE_PX * CROP_SIZE_PX }, (_, at) => {
  const [u, v] = [at % CROP_SIZE_PX, Math.floor(at / CROP_SIZE_PX)];
  return ((u - 64) / 36) ** 2 + ((v - 66) / 34) ** 2 < 1 ? 1 : 0;
});

/**
 * How well mouths are drawn on people that the network never saw, against renderings of the same people doing the same: beside
 * them the closed mouth as it is. Then how still a held mouth is while the avatar moves, and what drawing costs.
 */
export const mouth: Bench = {
  name: 'mouth',
  summary: 'how well mouths are drawn on faces never trained on, how still they are held, and what drawing costs',
  run: async (run) => {
    const network = await PictureNetwork.open();
    run.atEnd(() => network.close());
    run.say(`network: ${network.variant}${network.refusals.map((why) => `; not ${why}`).join('')}`);
    const bench = new MouthBench(run, network);
    await mkdir(SHEET_FOLDER, { recursive: true });
    for (const { name, title, sizePx } of SETS) await bench.compare(name, title, sizePx);
    await bench.hold();
    await bench.time();
  },
};

class MouthBench {
  readonly #run: BenchRun;
  readonly #network: PictureNetwork;
  readonly #drawer: MouthDrawer;
  readonly #composer = new Composer();

  constructor(run: BenchRun, network: PictureNetwork) {
    this.#run = run;
    this.#network = network;
    this.#drawer = new MouthDrawer(network);
  }

  async compare(name: string, title: string, sizePx: number): Promise<void> {
    const all = await loadFaces(name, sizePx);
    const faces = this.#run.isQuick ? all.slice(0, QUICK_FACES) : all;
    const sheet = new MouthSheet(faces.length, Math.max(...faces.map(({ mouths }) => mouths.length)));
    const scores: { kind: string; drawn: PictureScore; closed: PictureScore }[] = [];
    for (const [row, face] of faces.entries()) {
      const mouth = await closedMouth({ frame: face.closed, geometry: face.geometry }, this.#network);
      const before = mouthOf(face.closed, face.geometry);
      sheet.addFace(row, before);
      for (const [column, { name: kind, row: numbers, picture }] of face.mouths.entries()) {
        const truth = mouthOf(picture, face.geometry);
        const drawn = await this.#draw(face.closed, mouth, numbers);
        sheet.addMouth(row, column, truth, drawn);
        const score = (planes: Uint8Array) => scorePicture(lumaOf(planes), lumaOf(truth), REGION);
        scores.push({ kind, drawn: score(drawn), closed: score(before) });
      }
    }
    const path = join(SHEET_FOLDER, `mouth-${name}.png`);
    await writePng(path, sheet.picture());
    this.#tell(title, scores, faces.length, path);
  }

  /** Frame-to-frame change of a mouth that is held, as the crop sees it, against what encoding for the viewer adds. */
  async hold(): Promise<void> {
    const avatar = await this.#avatar();
    const [clip] = avatar.clips;
    const closedMouths = new ClosedMouths(avatar, clip, this.#network);
    const geometry = new Float32Array(clip.geometry);
    const drawn: Luma[] = [];
    const closed: Luma[] = [];
    const pictures: Frame[] = [];
    for (let index = 0; index < HELD_FRAMES; index++) {
      const place = geometry.subarray((index % clip.frameCount) * GEOMETRY_SIZE).subarray(0, GEOMETRY_SIZE);
      const base = avatarFrame(avatar, clip, index);
      const out = emptyLike(base);
      this.#composer.compose(out, base, place, await this.#drawer.draw(HELD, await closedMouths.at(index)));
      pictures.push(out);
      drawn.push(lumaOf(mouthOf(out, place)));
      closed.push(lumaOf(mouthOf(base, place)));
    }
    const seen = await throughEncoder(pictures, avatar);
    const noise = seen.map((picture, index) => {
      const place = geometry.subarray((index % clip.frameCount) * GEOMETRY_SIZE).subarray(0, GEOMETRY_SIZE);
      return meanDifference(lumaOf(mouthOf(picture, place)), drawn[index], REGION);
    });
    const { figures } = this.#run;
    const encoderNoise = mean(noise);
    figures.add('held mouth, change per frame', mean(changes(drawn)), 'levels', atMost(encoderNoise));
    figures.add('closed mouth of the same frames, change per frame', mean(changes(closed)), 'levels');
    figures.add('what encoding at 1 Mbit/s changes', encoderNoise, 'levels');
  }

  async time(): Promise<void> {
    const avatar = await this.#avatar();
    const closed = await new ClosedMouths(avatar, avatar.clips[0], this.#network).at(0);
    const times: number[] = [];
    for (let n = 0; n < SPEED_RUNS; n++) {
      const before = process.cpuUsage();
      await this.#drawer.draw(HELD, closed);
      const { user, system } = process.cpuUsage(before);
      times.push((user + system) / 1000);
    }
    this.#run.figures.add(`CPU per mouth, ${this.#network.variant}`, median(times), 'ms', atMost(2.5));
  }

  async #draw(base: Frame, closed: ClosedMouth, numbers: Float32Array): Promise<Uint8Array> {
    const out = emptyLike(base);
    this.#composer.compose(out, base, closed.geometry, await this.#drawer.draw(numbers, closed));
    return mouthOf(out, closed.geometry);
  }

  #avatar(): Promise<Avatar> {
    const config = loadConfig({ verbose: false, skipChecks: false, help: false }, REPOSITORY);
    return findAvatar(HELD_AVATAR, config, REPOSITORY);
  }

  #tell(
    title: string,
    scores: readonly { kind: string; drawn: PictureScore; closed: PictureScore }[],
    people: number,
    path: string,
  ): void {
    const kinds = [...new Set(scores.map(({ kind }) => kind))];
    const rows = kinds.map((kind) => {
      const of = scores.filter((score) => score.kind === kind);
      return [kind, String(of.length), ...columns(of)];
    });
    const { say, figures } = this.#run;
    say(`${title}, ${people} people; pictures: ${path}`);
    say(formatTable([HEADINGS, ...rows, ['all', String(scores.length), ...columns(scores)]], [1, 2, 3, 4, 5, 6]));
    const drawn = scores.map((score) => score.drawn);
    const gain = mean(scores.map((score) => score.drawn.psnrDb - score.closed.psnrDb));
    figures.add(`PSNR, ${title}`, mean(drawn.map(({ psnrDb }) => psnrDb)), 'dB', null);
    figures.add(`PSNR above the closed mouth's, ${title}`, gain, 'dB', atLeast(1));
    figures.add(`SSIM, ${title}`, mean(drawn.map(({ ssim }) => ssim)), '', null);
    figures.add(`sharpness, ${title}`, mean(drawn.map(({ sharpness }) => sharpness)), 'of the true', within(0.8, 1.2));
  }
}

const HEADINGS = ['mouth', 'n', 'PSNR dB', 'closed dB', 'SSIM', 'closed SSIM', 'sharpness'];

function columns(scores: readonly { drawn: PictureScore; closed: PictureScore }[]): string[] {
  return [
    mean(scores.map(({ drawn }) => drawn.psnrDb)),
    mean(scores.map(({ closed }) => closed.psnrDb)),
    mean(scores.map(({ drawn }) => drawn.ssim)),
    mean(scores.map(({ closed }) => closed.ssim)),
    mean(scores.map(({ drawn }) => drawn.sharpness)),
  ].map(readable);
}

function mouthOf(picture: Frame, geometry: Float32Array): Uint8Array {
  const planes = new Uint8Array(MOUTH_CROP_BYTES);
  cutMouth(picture, geometry, planes);
  return planes;
}

/** The four luma planes of a mouth crop as one picture. */
function lumaOf(planes: Uint8Array): Luma {
  const data = new Uint8Array(CROP_SIZE_PX * CROP_SIZE_PX);
  for (let at = 0; at < data.length; at++) {
    const [u, v] = [at % CROP_SIZE_PX, Math.floor(at / CROP_SIZE_PX)];
    const plane = (v % 2) * 2 + (u % 2);
    data[at] = planes[(plane * CROP_PLANE_SIZE + (v >> 1)) * CROP_PLANE_SIZE + (u >> 1)];
  }
  return { sizePx: CROP_SIZE_PX, data };
}

function changes(pictures: readonly Luma[]): number[] {
  return pictures.slice(1).map((picture, index) => meanDifference(picture, pictures[index], REGION));
}

async function throughEncoder(pictures: readonly Frame[], { widthPx, heightPx }: Avatar): Promise<Frame[]> {
  const options = { codec: 'H264', widthPx, heightPx, framesPerSecond: 25, bitrateBps: VIEWER_BITRATE_BPS } as const;
  const encoder = await VideoEncoder.open(options);
  const packets: Packet[] = [];
  try {
    for (const [frameIndex, picture] of pictures.entries()) {
      packets.push(await encoder.encode(picture, { frameIndex, keyFrame: frameIndex === 0 }));
    }
  } finally {
    await encoder.close();
  }
  return decodeVideo('H264', packets);
}

function emptyLike({ widthPx, heightPx, data }: Frame): Frame {
  return { widthPx, heightPx, data: new Uint8Array(data.length) };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
