import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Avatar, type AvatarClip, avatarFrame, GEOMETRY_SIZE } from '../avatars/avatar.ts';
import { type Frame, frameSizeBytes } from '../codecs/frame.ts';
import { readPictures } from '../codecs/media-file.ts';
import { crossFade } from './cross-fade.ts';
import { type Scene, Scenes } from './scenes.ts';

const AVATARS = join(import.meta.dirname, '../../avatars');
const DEMO_PX = 512;
const MADE_PX = 64;
/** A step between two pictures may be so many times as large as the clips' own, but for one in a hundred of these. */
const LARGEST_STEP = 1.5;
/** Grain of 8-bit pictures, of 255. */
const GRAIN = 0.5;

/** Mean difference of two pictures' brightness, of 255. */
function difference(a: Frame, b: Frame): number {
  const pixels = a.widthPx * a.heightPx;
  let sum = 0;
  for (let at = 0; at < pixels; at++) sum += Math.abs(a.data[at] - b.data[at]);
  return sum / pixels;
}

function clipOf(name: string, pictures: readonly Uint8Array[]): AvatarClip {
  const [{ length }] = pictures;
  const frames = new SharedArrayBuffer(length * pictures.length);
  for (const [i, data] of pictures.entries()) new Uint8Array(frames).set(data, i * length);
  const geometry = new SharedArrayBuffer(pictures.length * GEOMETRY_SIZE * Float32Array.BYTES_PER_ELEMENT);
  return { name, frameCount: pictures.length, frames, geometry };
}

function avatarOf(id: string, sizePx: number, clips: readonly AvatarClip[]): Avatar {
  const paths = { videoPath: '', portraitPath: '', audioClips: {} };
  return { id, name: id, widthPx: sizePx, heightPx: sizePx, clips, storedClips: [], ...paths };
}

async function demoAvatar(id: string): Promise<Avatar> {
  const clips: AvatarClip[] = [];
  for (const name of ['idle_0', 'speaking_0', 'action_1']) {
    const pictures: Uint8Array[] = [];
    const size = { widthPx: DEMO_PX, heightPx: DEMO_PX, framesPerSecond: 25 };
    for await (const { data } of readPictures(join(AVATARS, id, `${name}.mp4`), size)) pictures.push(data.slice());
    clips.push(clipOf(name, pictures));
  }
  return avatarOf(id, DEMO_PX, clips);
}

/** A loop in which a light goes round, `step` of a turn with each picture, before a ground as bright as given. */
function madeClip(name: string, frameCount: number, ground: number, radius: number): AvatarClip {
  const pictures = Array.from({ length: frameCount }, (_, frame) => {
    const data = new Uint8Array(frameSizeBytes(MADE_PX, MADE_PX)).fill(128);
    const angle = (2 * Math.PI * frame) / frameCount;
    const [cx, cy] = [32 + radius * Math.cos(angle), 32 + radius * Math.sin(angle)];
    for (let at = 0; at < MADE_PX * MADE_PX; at++) {
      const far = Math.hypot((at % MADE_PX) - cx, Math.floor(at / MADE_PX) - cy);
      data[at] = ground + 80 * Math.exp(-((far / 14) ** 2));
    }
    return data;
  });
  return clipOf(name, pictures);
}

/** What of an avatar's steps is large, per clip; measured on whole pictures. */
function largeSteps(avatar: Avatar): Map<string, number> {
  return new Map(
    avatar.clips.map((clip) => {
      const steps = Array.from({ length: clip.frameCount - 1 }, (_, i) =>
        difference(avatarFrame(avatar, clip, i), avatarFrame(avatar, clip, i + 1)),
      ).sort((a, b) => a - b);
      return [clip.name, steps[Math.floor(steps.length * 0.99)]];
    }),
  );
}

function pictureOf({ avatar, clip, clipFrame, before }: Scene): Frame {
  const frame = avatarFrame(avatar, clip, clipFrame);
  return before ? crossFade(avatarFrame(avatar, before.clip, before.clipFrame), frame, before.share) : frame;
}

/** Steps around every change of clips, as multiples of the large steps of the clips that are involved; the largest. */
class StepWatch {
  largest = 0;
  changes = 0;
  readonly #avatar: Avatar;
  readonly #large: Map<string, number>;
  #last: { scene: Scene; picture: Frame } | null = null;

  constructor(avatar: Avatar) {
    this.#avatar = avatar;
    this.#large = largeSteps(avatar);
  }

  /** Forgets what was seen. */
  restart(): void {
    this.largest = 0;
    this.changes = 0;
    this.#last = null;
  }

  see(scene: Scene): void {
    const last = this.#last;
    const involved = [scene, scene.before, last?.scene, last?.scene.before].flatMap((each) => each?.clip.name ?? []);
    const picture = pictureOf(scene);
    const isPlain = new Set(involved).size < 2 && !scene.before && !last?.scene.before;
    if (last && scene.clip !== last.scene.clip) this.changes += 1;
    if (last && !isPlain) {
      const large = Math.max(GRAIN, ...involved.map((name) => this.#large.get(name) ?? 0));
      this.largest = Math.max(this.largest, difference(last.picture, picture) / large);
    }
    this.#last = { scene, picture };
  }

  clip(name: string): AvatarClip {
    const clip = this.#avatar.clips.find((each) => each.name === name);
    if (!clip) throw new RangeError(`no clip ${name}`);
    return clip;
  }
}

/** Plays what is told: so many frames of rest, speech and actions. */
function play(watch: StepWatch, scenes: Scenes, steps: readonly ('rest' | 'speak' | 'action')[], frames: number): void {
  for (const step of steps) {
    if (step === 'action') scenes.act(watch.clip('action_1'));
    for (let i = 0; i < frames; i++) {
      watch.see(scenes.next({ isTalking: step === 'speak' && !scenes.isActing, waitingMs: 0 }));
    }
  }
}

for (const id of ['sam', 'anna', 'mark']) {
  test(`clips of ${id} lead to each other in steps of at most ${LARGEST_STEP} times their own`, async () => {
    const avatar = await demoAvatar(id);
    const watch = new StepWatch(avatar);
    for (const frames of [23, 38, 57]) {
      watch.restart();
      const scenes = new Scenes(avatar);
      scenes.setClip('speaking', watch.clip('speaking_0'));
      play(watch, scenes, ['rest', 'speak', 'rest', 'action', 'speak', 'action', 'rest', 'speak', 'rest'], frames);
      assert.ok(watch.changes >= 6, `${watch.changes} changes`);
      assert.ok(watch.largest <= LARGEST_STEP, `${watch.largest}`);
    }
  });
}

test('clips that have no picture in common fade without a larger step than they have themselves', () => {
  const avatar = avatarOf('made', MADE_PX, [madeClip('idle_0', 60, 60, 12), madeClip('speaking_0', 45, 75, 8)]);
  const watch = new StepWatch(avatar);
  const scenes = new Scenes(avatar);
  scenes.setClip('speaking', watch.clip('speaking_0'));
  play(watch, scenes, ['rest', 'speak', 'rest', 'speak', 'rest'], 41);
  assert.equal(watch.changes, 4);
  assert.ok(watch.largest <= LARGEST_STEP, `${watch.largest}`);
});

test('whatever is asked for and whenever, no step is larger, and each clip goes on frame by frame', () => {
  const clips = [madeClip('idle_0', 60, 60, 12), madeClip('speaking_0', 45, 64, 10), madeClip('action_1', 50, 62, 14)];
  const avatar = avatarOf('made', MADE_PX, clips);
  const watch = new StepWatch(avatar);
  const order = fc.record({
    step: fc.constantFrom('rest' as const, 'speak' as const, 'action' as const, 'now' as const),
    frames: fc.integer({ min: 1, max: 30 }),
  });
  fc.assert(
    fc.property(fc.array(order, { maxLength: 12 }), (orders) => {
      const scenes = new Scenes(avatar);
      watch.restart();
      scenes.setClip('speaking', watch.clip('speaking_0'));
      let last: Scene | null = null;
      for (const { step, frames } of orders) {
        if (step === 'action' || step === 'now') scenes.act(watch.clip('action_1'), step === 'now' ? 'now' : 'next');
        for (let i = 0; i < frames; i++) {
          const scene = scenes.next({ isTalking: step === 'speak' && !scenes.isActing, waitingMs: 0 });
          const isNext = scene.clipFrame === ((last?.clipFrame ?? -1) + 1) % scene.clip.frameCount;
          const mayJump =
            last === null || scene.clip !== last.clip || (scene.state === 'action' && scene.clipFrame === 0);
          assert.ok(isNext || mayJump, `${last?.clip.name}:${last?.clipFrame} → ${scene.clip.name}:${scene.clipFrame}`);
          last = scene;
          watch.see(scene);
        }
      }
      assert.ok(watch.largest <= LARGEST_STEP, `${watch.largest}`);
    }),
    { numRuns: 100 },
  );
});

test('pictures that are mixed have to be of one size', () => {
  const [small, large] = [16, 32].map((px) => ({
    widthPx: px,
    heightPx: px,
    data: new Uint8Array(frameSizeBytes(px, px)),
  }));
  assert.throws(() => crossFade(small, large, 0.5), /one size, got 16x16 and 32x32/);
});
