import { join } from 'node:path';
import {
  type Avatar,
  type AvatarClip,
  avatarFrame,
  CROP_SIZE_PX,
  FRAME_GEOMETRY,
} from '../../server/avatars/avatar.ts';
import { AvatarStore } from '../../server/avatars/avatar-store.ts';
import { Composer, type MouthDrawing } from '../../server/avatars/compose.ts';
import { FaceLandmarks } from '../../server/avatars/face-landmarks.ts';
import type { Frame } from '../../server/codecs/frame.ts';
import { toRgb } from '../../server/codecs/picture.ts';
import { loadConfig } from '../../server/config/config.ts';
import { ClosedMouths } from '../../server/engines/embedded/closed-mouths.ts';
import { MouthDrawer } from '../../server/engines/embedded/mouth-drawer.ts';
import { PictureNetwork } from '../../server/engines/embedded/picture-network.ts';
import { VoiceNetwork } from '../../server/engines/embedded/voice-network.ts';
import { loadWav } from '../../server/sources/wav-file.ts';
import type { Bench, BenchRun } from './bench.ts';
import { type DrawnRegion, drawnRegion, seamEnergy } from './drawn-region.ts';
import { FaceOutline } from './face-outline.ts';
import { atMost, formatTable, readable } from './figures.ts';
import { type Mouths, mouthOfNetwork } from './lip-mappings.ts';
import { percentile } from './statistics.ts';

const REPOSITORY = join(import.meta.dirname, '../..');
/** Of the speaking frames of a recording every so many are drawn; finding the face takes far longer than that. */
const FRAME_STEP = 2;
const FACE_STEP = 12;
const QUICK_TIMES = 6;
/** A mouth of smaller numbers is closed. */
const MOVING = 0.02;
/** A brightness that differs by so many levels can be seen. */
const VISIBLE_LEVELS = 8;
/** What is so near to a face's outline belongs to it: skin bends there, and landmarks are no finer. In pixels. */
const NEAR_PX = 8;
/** Behind the border, for hard and for soft edges. */
const REACHES_PX = [1, 3] as const;

/** Whether one sees where the drawn mouth ends, and whether anything but the face moves with it. */
export const seam: Bench = {
  name: 'seam',
  summary: 'whether one sees where a drawn mouth ends, and whether it moves hair or background, with every demo clip',
  run: async (run) => {
    const { avatars, settings } = loadConfig({ verbose: false, skipChecks: false, help: false }, REPOSITORY);
    const { preparedFolder, avatarSizePx: sizePx } = settings.media;
    const store = await AvatarStore.open(avatars, { preparedFolder, sizePx, clips: 'all' });
    run.atEnd(async () => store.close());
    const picture = await PictureNetwork.open();
    run.atEnd(() => picture.close());
    const voice = await VoiceNetwork.open();
    run.atEnd(() => voice.close());
    const bench = new SeamBench(run, picture, await FaceLandmarks.open());
    for (const avatar of store.list()) {
      const speech: Float32Array[] = [];
      for (const path of Object.values(avatar.audioClips))
        speech.push(...(await mouthOfNetwork(voice, await loadWav(path))));
      for (const clip of avatar.clips) await bench.measure(avatar, clip, speech);
    }
    bench.tell();
  },
};

/** One picture with a mouth drawn in. */
interface Drawn {
  readonly base: Frame;
  readonly picture: Frame;
  readonly region: DrawnRegion;
  readonly drawing: MouthDrawing;
  readonly geometry: Float32Array;
}

class SeamBench {
  readonly #run: BenchRun;
  readonly #network: PictureNetwork;
  readonly #drawer: MouthDrawer;
  readonly #faces: FaceLandmarks;
  readonly #composer = new Composer();
  readonly #rows: string[][] = [];
  readonly #means: number[] = [];
  readonly #softMeans: number[] = [];
  readonly #painted: number[] = [];
  readonly #strays: number[] = [];

  constructor(run: BenchRun, network: PictureNetwork, faces: FaceLandmarks) {
    this.#run = run;
    this.#network = network;
    this.#drawer = new MouthDrawer(network);
    this.#faces = faces;
  }

  async measure(avatar: Avatar, clip: AvatarClip, speech: Mouths): Promise<void> {
    const closed = new ClosedMouths(avatar, clip, this.#network);
    const times = this.#run.isQuick ? QUICK_TIMES : 1;
    const sums = REACHES_PX.map(() => ({ original: 0, drawn: 0 }));
    const ratios: number[] = [];
    const painted: number[] = [];
    const strays: number[] = [];
    for (let index = 0; index < speech.length; index += FRAME_STEP * times) {
      if (speech[index].every((value) => value < MOVING)) continue;
      const drawn = await this.#draw(avatar, clip, closed, index, speech[index]);
      if (drawn.region.area === 0) continue;
      for (const [i, reachPx] of REACHES_PX.entries()) {
        const energy = seamEnergy(drawn.region, drawn.base, drawn.picture, reachPx);
        sums[i].original += energy.original;
        sums[i].drawn += energy.drawn;
        if (i === 0) ratios.push(energy.drawn / energy.original);
      }
      if (index % (FACE_STEP * times) !== 0) continue;
      const outside = await this.#outside(drawn);
      painted.push(outside.painted);
      strays.push(outside.moved);
    }
    const [hard, soft] = sums.map(({ original, drawn }) => drawn / original);
    const cells = [hard, percentile(ratios, 0.99), soft, mean(painted), mean(strays)].map(readable);
    this.#rows.push([avatar.id, clip.name, String(ratios.length), ...cells]);
    this.#means.push(hard);
    this.#softMeans.push(soft);
    this.#painted.push(...painted);
    this.#strays.push(...strays);
  }

  tell(): void {
    const { say, figures } = this.#run;
    say(formatTable([HEADINGS, ...this.#rows], [2, 3, 4, 5, 6, 7]));
    const goal = atMost(1.1);
    figures.add('edge energy across the border, worst clip', Math.max(...this.#means), 'of the original’s', goal);
    figures.add('within 3 pixels of it, worst clip', Math.max(...this.#softMeans), 'of the original’s', goal);
    figures.add('painted outside of the face, most of a frame', Math.max(...this.#painted), 'px', atMost(0));
    figures.add('seen to move outside of the face, of a frame', mean(this.#strays), 'px', atMost(5));
    figures.add('most of a frame', Math.max(...this.#strays), 'px');
  }

  async #draw(
    avatar: Avatar,
    clip: AvatarClip,
    closed: ClosedMouths,
    index: number,
    mouth: Float32Array,
  ): Promise<Drawn> {
    const base = avatarFrame(avatar, clip, index);
    const picture = { ...base, data: new Uint8Array(base.data.length) };
    const { geometry, ...look } = await closed.at(index);
    const drawing = await this.#drawer.draw(mouth, { geometry, ...look });
    this.#composer.compose(picture, base, geometry, drawing);
    return { base, picture, region: drawnRegion(base, picture), drawing, geometry };
  }

  /** Pixels outside of the face, as it was and as it is drawn, that are painted, and that have changed visibly. */
  async #outside({ base, picture, region, drawing, geometry }: Drawn): Promise<{ painted: number; moved: number }> {
    const { widthPx, heightPx } = base;
    const [before] = await this.#faces.find({ widthPx, heightPx, data: toRgb(base) });
    const after = before && this.#faces.follow({ widthPx, heightPx, data: toRgb(picture) }, before.points);
    if (!before || !after) throw new Error('a demo avatar has lost its face');
    const outlines = [new FaceOutline(before), new FaceOutline(after)];
    let moved = 0;
    for (let at = 0; at < region.inside.length; at++) {
      if (region.inside[at] === 0 || Math.abs(base.data[at] - picture.data[at]) < VISIBLE_LEVELS) continue;
      const [x, y] = [(at % widthPx) + 0.5, Math.floor(at / widthPx) + 0.5];
      if (outlines.every((outline) => outline.distanceTo(x, y) > NEAR_PX)) moved += 1;
    }
    const places = paintedPlaces(drawing, geometry);
    const painted = places.filter(([x, y]) => outlines.every((outline) => !outline.contains(x, y))).length;
    return { painted, moved };
  }
}

const HEADINGS = ['avatar', 'clip', 'frames', 'edge energy', 'p99', 'in 3 px', 'painted outside', 'moved outside'];

/** Where in the picture the texels are of which something is seen. */
function paintedPlaces({ overlay, painted, sizePx }: MouthDrawing, geometry: Float32Array): [number, number][] {
  const places: [number, number][] = [];
  if (!overlay || !painted) return places;
  const [a, b, tx, ty] = geometry.subarray(FRAME_GEOMETRY.A);
  const texelPx = CROP_SIZE_PX / sizePx;
  for (let j = painted.top; j < painted.bottom; j++) {
    for (let i = painted.left; i < painted.right; i++) {
      if (overlay[(j * sizePx + i) * 4 + 3] === 0) continue;
      const [u, v] = [(i + 0.5) * texelPx, (j + 0.5) * texelPx];
      places.push([a * u - b * v + tx, b * u + a * v + ty]);
    }
  }
  return places;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
