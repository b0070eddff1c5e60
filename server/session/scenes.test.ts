import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fakeAvatar, fakeClip } from '../testing/fakes.ts';
import { type Hearing, MOST_ACTIONS, type Scene, Scenes } from './scenes.ts';

function play(scenes: Scenes, count: number, isTalking = false, waitingMs = 0): string[] {
  return Array.from({ length: count }, () => name(scenes.next({ isTalking, waitingMs })));
}

function next(scenes: Scenes): Scene {
  return scenes.next({ isTalking: false, waitingMs: 0 });
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

test('a clip begins with the picture that is most like the one before', () => {
  const scenes = new Scenes(fakeAvatar('a'));
  scenes.setClip('speaking', fakeClip('speaking_0', 3));
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

test('an action for after the speech waits until it has been quiet for a second', () => {
  const scenes = new Scenes(fakeAvatar('a'));
  scenes.act(fakeClip('action_1', 0, 3), 'after speech');
  play(scenes, 5, true);
  assert.ok(play(scenes, 24).every((each) => each.startsWith('idle_0')));
  assert.equal(play(scenes, 1, true)[0].startsWith('idle_0'), true);
  assert.ok(play(scenes, 24).every((each) => each.startsWith('idle_0')));
  assert.deepEqual(play(scenes, 1), ['action_1:0']);
});

test('an action for now takes the place of the one that is played, goes before those that wait, and does not wait for silence', () => {
  const scenes = new Scenes(fakeAvatar('a'));
  for (const each of ['action_1', 'action_2']) scenes.act(fakeClip(each, 0, 5));
  assert.deepEqual(play(scenes, 2), ['action_1:0', 'action_1:1']);
  scenes.act(fakeClip('action_3', 0, 2), 'now');
  assert.deepEqual(
    scenes.actions.map((clip) => clip.name),
    ['action_1', 'action_3', 'action_2'],
  );
  assert.deepEqual(play(scenes, 3, false, 5_000), ['action_3:0', 'action_3:1', 'idle_0:1']);
  assert.deepEqual(play(scenes, 1), ['action_2:0']);
});

test('somebody who might speak is listened to', () => {
  const scenes = new Scenes(fakeAvatar('a'));
  const state = (hearing: Partial<Hearing>) => scenes.next({ isTalking: false, waitingMs: 0, ...hearing }).state;
  assert.equal(state({}), 'idle');
  assert.equal(state({ isListening: true }), 'listening');
  assert.equal(state({ isListening: true, isTalking: true }), 'speaking');
  scenes.act(fakeClip('action_1', 0, 2));
  assert.equal(state({ isListening: true }), 'action');
});

test('clips that differ fade into each other, and what is asked for meanwhile waits until they have', () => {
  const scenes = new Scenes(fakeAvatar('a'));
  scenes.setClip('speaking', fakeClip('speaking_0', 100));
  play(scenes, 3);
  scenes.rest('speaking');
  const fading: Scene[] = [];
  for (let scene = next(scenes); scene.state !== 'action'; scene = next(scenes)) {
    fading.push(scene);
    if (fading.length === 1) scenes.act(fakeClip('action_1', 100, 30));
  }
  assert.equal(fading.length, 37);
  assert.ok(fading.every(({ clip, state }) => clip.name === 'speaking_0' && state !== 'action'));
  assert.deepEqual(fading.map(({ before }) => `${before?.clip.name}:${before?.clipFrame}`).slice(0, 9), [
    'idle_0:3',
    'idle_0:4',
    'idle_0:5',
    'idle_0:6',
    'idle_0:7',
    'idle_0:8',
    'idle_0:9',
    'idle_0:0',
    'idle_0:1',
  ]);
  const shares = fading.map(({ before }) => before?.share ?? 0);
  assert.ok(shares.every((share, i) => share > 0 && share < (shares[i - 1] ?? 1)));
  assert.equal(scenes.isActing, true);
});

test('an action is seen alone when it ends, and stays at its end while it fades', () => {
  const scenes = new Scenes(fakeAvatar('a'));
  play(scenes, 1);
  scenes.act(fakeClip('action_1', 200, 4));
  const seen = Array.from({ length: 8 }, () => next(scenes));
  assert.deepEqual(
    seen.slice(0, 4).map(({ before }) => before?.clip.name ?? null),
    ['idle_0', 'idle_0', 'idle_0', null],
  );
  assert.deepEqual(
    seen.slice(4).map(({ before }) => before && `${before.clip.name}:${before.clipFrame}`),
    ['action_1:3', 'action_1:3', 'action_1:3', 'action_1:3'],
  );
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
          const scene = scenes.next({ isTalking, waitingMs: 0 });
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
