import assert from 'node:assert/strict';
import { test } from 'node:test';
import { movedBy } from './head-field.ts';
import { PlaneMover } from './plane-mover.ts';
import { type Plane, sampleCubic } from './resample.ts';

const SIZE = 64;
const CELL = 8;
const COLUMNS = SIZE / CELL + 1;

function noise(size: number): Plane {
  let state = 7;
  const data = Uint8Array.from({ length: size * size }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state >>> 24;
  });
  return { data, width: size, height: size };
}

/** Vectors in pixels at every node. */
function gridOf(vectorAt: (x: number, y: number) => readonly [number, number]) {
  const vectors = new Float32Array(2 * COLUMNS * COLUMNS);
  for (let i = 0; i < COLUMNS * COLUMNS; i++)
    vectors.set(vectorAt((i % COLUMNS) * CELL, Math.floor(i / COLUMNS) * CELL), 2 * i);
  return { columns: COLUMNS, rows: COLUMNS, cellPx: CELL, vectors };
}

function moved(plane: Plane, unitPx: number, grid: ReturnType<typeof gridOf>): Uint8Array {
  const out = new Uint8Array(plane.data.length);
  new PlaneMover(plane, unitPx, grid).move(grid, out);
  return out;
}

test('what is moved by whole samples is only moved; beyond the edge its border goes on', () => {
  const plane = noise(SIZE);
  const out = moved(
    plane,
    1,
    gridOf(() => [3, -2]),
  );
  for (let y = 0; y < SIZE; y++) {
    for (let x = 0; x < SIZE; x++) {
      const from = Math.min(y + 2, SIZE - 1) * SIZE + Math.max(x - 3, 0);
      assert.equal(out[y * SIZE + x], plane.data[from], `${x}, ${y}`);
    }
  }
});

test('what stands still, or moves by less than 1/32 sample, keeps its bytes', () => {
  const plane = noise(SIZE);
  assert.deepEqual(
    moved(
      plane,
      1,
      gridOf(() => [0, 0]),
    ),
    plane.data,
  );
  assert.deepEqual(
    moved(
      plane,
      1,
      gridOf(() => [0.03, -0.03]),
    ),
    plane.data,
  );
});

for (const [name, unitPx] of [
  ['luma', 1],
  ['chroma', 2],
] as const) {
  test(`${name} is sampled where the movement between the nodes leads back to`, () => {
    const plane = noise(SIZE / unitPx);
    const grid = gridOf((x, y) => [2 * Math.sin(x / 15) + 0.4, 1.5 * Math.cos(y / 12) - 0.7]);
    const out = moved(plane, unitPx, grid);
    for (let y = 3; y < plane.height - 3; y++) {
      for (let x = 3; x < plane.width - 3; x++) {
        const place = [(x + 0.5) * unitPx, (y + 0.5) * unitPx] as const;
        const [toX, toY] = movedBy(grid, place);
        const expected = sampleCubic(plane, x - (toX - place[0]) / unitPx, y - (toY - place[1]) / unitPx);
        // A neighbouring phase of the 64 may be taken where a position lies between two.
        assert.ok(
          Math.abs(out[y * plane.width + x] - expected) <= 5,
          `${out[y * plane.width + x]} for ${expected} at ${x}, ${y}`,
        );
      }
    }
  });
}

test('a movement beyond all reason stays inside the memory', () => {
  const plane = noise(SIZE);
  const out = moved(
    plane,
    1,
    gridOf(() => [1e6, -1e6]),
  );
  assert.equal(out.length, plane.data.length);
});
