import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { ClosedMouths, RecentClips } from './closed-mouths.ts';
import { FEATURE_BYTES, PictureNetwork } from './picture-network.ts';
import { plainAvatar } from './test-avatar.ts';

const network = await PictureNetwork.open();
after(() => network.close());

function clip(): ClosedMouths {
  const avatar = plainAvatar('anna', 170);
  return new ClosedMouths(avatar, avatar.clips[0], network);
}

test('a closed mouth is looked at once per frame of the loop', async () => {
  const mouths = clip();
  const first = await mouths.at(0);
  assert.equal(await mouths.at(3), first);
  assert.notEqual(await mouths.at(1), first);
  assert.equal(await mouths.at(-1), await mouths.at(2));
  assert.equal(mouths.keptBytes, 3 * FEATURE_BYTES);
});

test('what was forgotten is made anew, and the same', async () => {
  const mouths = clip();
  const first = await mouths.at(0);
  mouths.forget();
  assert.equal(mouths.keptBytes, 0);
  assert.deepEqual((await mouths.at(0)).features, first.features);
});

test('beyond the limit the clip that was drawn on least recently forgets, never the one at hand', async () => {
  const recent = new RecentClips(2 * FEATURE_BYTES);
  const [a, b, c] = [clip(), clip(), clip()];
  assert.ok(recent.hasRoom);
  for (const each of [a, b, a, c]) {
    await each.at(0);
    recent.use(each);
  }
  assert.deepEqual(
    [a, b, c].map((each) => each.keptBytes / FEATURE_BYTES),
    [1, 0, 1],
  );
  assert.equal(recent.hasRoom, false);
  for (const frame of [0, 1, 2]) {
    await b.at(frame);
    recent.use(b);
  }
  assert.deepEqual(
    [a, b, c].map((each) => each.keptBytes / FEATURE_BYTES),
    [0, 3, 0],
  );
});
