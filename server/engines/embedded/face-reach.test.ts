import assert from 'node:assert/strict';
import { test } from 'node:test';
import { faceReach, keepToFace } from './face-reach.ts';
import { FLOW_GRID_SIZE, FLOW_SIZE } from './picture-network.ts';
import { GEOMETRY } from './test-avatar.ts';

const reach = faceReach(GEOMETRY);
/** A node of the flow by its place in the crop. */
const nodeAt = (u: number, v: number) => Math.round(v / 2) * FLOW_GRID_SIZE + Math.round(u / 2);

/** A flow that is the same everywhere. */
function evenFlow(du: number, dv: number): Float32Array {
  return Float32Array.from({ length: FLOW_SIZE }, (_, i) => (i % 2 === 0 ? du : dv));
}

test('the face and the neck may move, what is beside the jaw and the neck may not', () => {
  for (const [u, v] of [
    [64, 52],
    [20, 60],
    [108, 60],
    [64, 94],
    [64, 126],
    [52, 120],
  ])
    assert.equal(reach[nodeAt(u, v)], 255, `${u}, ${v}`);
  for (const [u, v] of [
    [10, 90],
    [118, 90],
    [6, 126],
    [122, 126],
  ])
    assert.equal(reach[nodeAt(u, v)], 0, `${u}, ${v}`);
});

test('what may move fades out over several nodes', () => {
  for (let j = 0; j < FLOW_GRID_SIZE; j++) {
    for (let i = 1; i < FLOW_GRID_SIZE; i++) {
      const at = j * FLOW_GRID_SIZE + i;
      assert.ok(Math.abs(reach[at] - reach[at - 1]) <= 90, `${i}, ${j}`);
    }
  }
});

test('a face that is turned away ends sooner on that side', () => {
  const turned = Float32Array.from(GEOMETRY);
  turned.set([25, 125], 12);
  const other = faceReach(turned);
  assert.equal(reach[nodeAt(14, 64)], 255);
  assert.ok(other[nodeAt(12, 64)] < 128);
  assert.equal(other[nodeAt(112, 64)], 255);
});

test('a pixel beside the face moves if it comes from the face', () => {
  const place = nodeAt(10, 90);
  const still = evenFlow(-2, 0);
  keepToFace(still, reach);
  assert.equal(Math.abs(still[2 * place]), 0);
  const covering = evenFlow(40, -20);
  keepToFace(covering, reach);
  assert.deepEqual([...covering.subarray(2 * place, 2 * place + 2)], [40, -20]);
});

test('within the face nothing is taken away', () => {
  const flow = evenFlow(1.5, -3);
  keepToFace(flow, reach);
  assert.deepEqual([...flow.subarray(2 * nodeAt(64, 60), 2 * nodeAt(64, 60) + 2)], [1.5, -3]);
});

test('a geometry that knows no face moves nothing wrongly: every number stays finite', () => {
  assert.ok(faceReach(new Float32Array(GEOMETRY.length)).every(Number.isFinite));
});
