import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FRAME_GEOMETRY, GEOMETRY_SIZE } from '../avatars/avatar.ts';
import { fakeAvatar, fakeClip } from '../testing/fakes.ts';
import { MOST_ACTIONS, type Scene, Scenes } from './scenes.ts';

function play(scenes: Scenes, count: number, isTalking = false, waitingMs = 0): string[] {
  return Array.from({ length: count }, () => name(scenes.next(isTalking, waitingMs)));
}

function name({ clip, clipFrame }: Scene): string {
  return `${clip.name}:${clipFrame}`;
}

test('without other clips the idle clip goes round and round, whether somebody speaks or not', () => {
  const scenes = new Scenes(fakeAvatar('a', 0, 3));
  assert.deepEqual(play(scenes, 2), ['idle_0:0', 'idle_0:1']);
  assert.deepEqual(play(scenes, 3, true), ['idle_0:2', 'idle_0:0', 'idle_0:1']);
});

test('the speaking clip is seen while somebody speaks, or always if one rests on it', () => {
  const scenes = new Scenes(fakeAvatar('a'));
  scenes.setClip('speaking', fakeClip('speaking_0'));
  assert.deepEqual([scenes.clipName('idle'), scenes.clipName('speaking')], ['idle_0', 'speaking_0']);
  assert.match(play(scenes, 1)[0], /^idle_0/);
  assert.match(play(scenes, 1, true)[0], /^speaking_0/);
  assert.match(play(scenes, 1)[0], /^idle_0/);
  scenes.rest('speaking');
  assert.match(play(scenes, 1)[0], /^speaking_0/);
});

test('a clip begins where the face stands most nearly as it stood before', () => {
  const moving = (clipName: string, offset: number) => {
    const clip = fakeClip(clipName);
    const geometry = new Float32Array(clip.geometry);
    for (let i = 0; i < clip.frameCount; i += 1) geometry[i * GEOMETRY_SIZE + FRAME_GEOMETRY.TX] = i + offset;
    return clip;
  };
  const scenes = new Scenes({ ...fakeAvatar('a'), clips: [moving('idle_0', 0)] });
  scenes.setClip('speaking', moving('speaking_0', 3));
  play(scenes, 8);
  assert.deepEqual(play(scenes, 2, true), ['speaking_0:4', 'speaking_0:5']);
});

test('an action begins at once in a pause, but not while sound is queued', () => {
  const scenes = new Scenes(fakeAvatar('a'));
  scenes.act(fakeClip('action_1', 0, 3));
  assert.deepEqual(play(scenes, 1, false, 5_000), ['idle_0:0']);
  assert.deepEqual(play(scenes, 1, true), ['idle_0:1']);
  assert.deepEqual(play(scenes, 4, false, 60).slice(0, 3), ['action_1:0', 'action_1:1', 'action_1:2']);
});

test('another avatar forgets actions and clips of the one before', () => {
  const scenes = new Scenes(fakeAvatar('a'));
  scenes.act(fakeClip('action_1', 0, 3));
  play(scenes, 1);
  scenes.setAvatar(fakeAvatar('b'));
  assert.equal(scenes.isActing, false);
  assert.deepEqual(play(scenes, 2), ['idle_0:0', 'idle_0:1']);
});

test('whatever is asked for and whenever somebody speaks, actions are played whole, once, in order, and never into speech', () => {
  const steps = fc.array(
    fc.oneof(
      fc.record({ kind: fc.constant('frames' as const), count: fc.integer({ min: 1, max: 12 }), talk: fc.boolean() }),
      fc.record({ kind: fc.constant('act' as const), count: fc.integer({ min: 1, max: 6 }) }),
      fc.record({ kind: fc.constant('rest' as const), on: fc.boolean() }),
    ),
    { maxLength: 60 },
  );
  fc.assert(
    fc.property(steps, (list) => {
      const scenes = new Scenes(fakeAvatar('a'));
      scenes.setClip('speaking', fakeClip('speaking_0', 0, 7));
      const accepted: string[] = [];
      const played: string[] = [];
      for (const [at, step] of list.entries()) {
        if (step.kind === 'rest') scenes.rest(step.on ? 'speaking' : 'idle');
        if (step.kind === 'act' && scenes.act(fakeClip(`action_${at}`, 0, step.count))) {
          accepted.push(...Array.from({ length: step.count }, (_, i) => `action_${at}:${i}`));
        }
        for (let i = 0; step.kind === 'frames' && i < step.count; i += 1) {
          // Nobody is heard during an action: its sound waits.
          const isTalking = step.talk && !scenes.isActing;
          const scene = scenes.next(isTalking, 0);
          assert.ok(scene.clipFrame >= 0 && scene.clipFrame < scene.clip.frameCount);
          assert.ok(!(isTalking && scene.state === 'action'));
          if (scene.state === 'action') played.push(name(scene));
        }
      }
      assert.deepEqual(played, accepted.slice(0, played.length));
    }),
  );
});

test(`at most ${MOST_ACTIONS} actions wait`, () => {
  const scenes = new Scenes(fakeAvatar('a'));
  for (let i = 0; i < MOST_ACTIONS; i += 1) assert.equal(scenes.act(fakeClip('action_1')), true);
  assert.equal(scenes.act(fakeClip('action_1')), false);
});
