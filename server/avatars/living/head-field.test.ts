import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HeadField, movedBy } from './head-field.ts';

const SIZE = 512;
const DEGREE = Math.PI / 180;

/** A face without features: 468 places on an oval dome. */
function dome(): { points: Float32Array; depths: Float32Array } {
  const points = new Float32Array(2 * 468);
  const depths = new Float32Array(468);
  for (let i = 0; i < 468; i++) {
    const [radius, angle] = [Math.sqrt(i / 468), i * 2.4];
    points.set([256 + 100 * radius * Math.cos(angle), 260 + 130 * radius * Math.sin(angle)], 2 * i);
    depths[i] = -80 * (1 - radius * radius);
  }
  for (const [point, x, y] of [
    [10, 256, 130],
    [152, 256, 390],
    [234, 156, 260],
    [454, 356, 260],
  ]) {
    points.set([x, y], 2 * point);
    depths[point] = 0;
  }
  return { points, depths };
}

const { points, depths } = dome();
const field = new HeadField(SIZE, SIZE, points, depths);
const POSES = [
  { yaw: 2.5 * DEGREE, pitch: 1.3 * DEGREE, roll: 0.45 * DEGREE, breath: 1 },
  { yaw: -2.5 * DEGREE, pitch: -1.3 * DEGREE, roll: -0.45 * DEGREE, breath: 0 },
];

test('the picture is nowhere stretched or squeezed by more than a tenth, and least of all beside the head', () => {
  for (const pose of POSES) {
    const { columns, rows, cellPx, vectors } = field.movement(pose);
    const strainAt = (row: number, column: number, next: number) => {
      const at = 2 * (row * columns + column);
      return Math.hypot(vectors[at + next] - vectors[at], vectors[at + next + 1] - vectors[at + 1]) / cellPx;
    };
    for (let row = 0; row < rows - 1; row++) {
      for (let column = 0; column < columns - 1; column++) {
        const isBeside = Math.abs(column * cellPx - 256) > 160 && row * cellPx < 380;
        const strain = Math.max(strainAt(row, column, 2), strainAt(row, column, 2 * columns));
        assert.ok(strain < (isBeside ? 0.04 : 0.1), `${strain} at ${column * cellPx}, ${row * cellPx}`);
      }
    }
  }
});

test('yaw moves the middle of the face and neither its outline nor the background', () => {
  const grid = field.movement({ yaw: 2 * DEGREE, pitch: 0, roll: 0, breath: 0 });
  const across = (x: number, y: number) => movedBy(grid, [x, y])[0] - x;
  assert.ok(across(256, 260) > 3);
  assert.ok(across(116, 260) < 1.5);
  assert.equal(across(20, 100), 0);
});

test('breath lifts shoulders and head, the background beside the head hardly, and nothing at the lower edge', () => {
  const grid = field.movement({ yaw: 0, pitch: 0, roll: 0, breath: 1 });
  const lift = (x: number, y: number) => y - movedBy(grid, [x, y])[1];
  const shoulder = Math.max(...Array.from({ length: 120 }, (_, i) => lift(150, 390 + i)));
  const head = lift(256, 260);
  assert.ok(head > 1 && head < 3 && shoulder > 1 && shoulder < 3, `head ${head}, shoulder ${shoulder}`);
  assert.ok(lift(20, 40) < 0.1);
  assert.ok(Math.abs(lift(256, 511.9)) < 0.05);
});
