import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type MouthReport, MouthReports } from './mouth-reports.ts';

function listen() {
  const reports = new MouthReports();
  const heard: MouthReport[] = [];
  const leave = reports.subscribe((report) => heard.push(report));
  return { reports, heard, leave };
}

test('a mouth is told when its frame is sent and not before', () => {
  const { reports, heard } = listen();
  const parameters = Float32Array.of(0.5, 0, 0, 0, 0, 0, 0, 0);
  reports.note(3, parameters);
  reports.note(4, null);
  parameters.fill(0); // the picture's memory is used again meanwhile
  assert.equal(heard.length, 0);
  reports.release(3);
  assert.deepEqual([heard.length, heard[0].frame, heard[0].timeMs, heard[0].parameters.jaw], [1, 3, 120, 0.5]);
  reports.release(4);
  assert.deepEqual([heard[1].parameters.jaw, heard[1].visemes.sil], [0, 1]);
});

test('frames without numbers are left out', () => {
  const { reports, heard } = listen();
  reports.note(0, new Float32Array(8).fill(Number.NaN));
  reports.note(1, null);
  reports.release(0);
  reports.release(1);
  assert.deepEqual(
    heard.map(({ frame }) => frame),
    [1],
  );
});

test('a listener that came late or left hears nothing of the frames before and after', () => {
  const { reports, heard, leave } = listen();
  reports.note(0, null);
  leave();
  reports.note(1, null);
  const later: number[] = [];
  reports.subscribe(({ frame }) => later.push(frame));
  reports.note(2, null);
  for (const frame of [0, 1, 2]) reports.release(frame);
  assert.deepEqual([heard.length, later], [0, [2]]);
});
