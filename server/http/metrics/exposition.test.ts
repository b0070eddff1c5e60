import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Metrics } from '../../metrics.ts';
import { type ReadExposition, readExposition } from '../../testing/exposition-reader.ts';
import { sourceTexts } from '../../testing/source-texts.ts';
import { Exposition } from './exposition.ts';
import { COUNTER_FAMILIES, HISTOGRAM_FAMILIES } from './families.ts';

async function look(metrics: Metrics): Promise<ReadExposition> {
  return readExposition(await new Exposition(metrics, []).text());
}

function valueIn({ samples }: ReadExposition, name: string, labels: Record<string, string> = {}): number | undefined {
  return samples.find(
    (sample) =>
      sample.name === name && Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
  )?.value;
}

test('what was counted is told with its reason, and what was not yet is told as 0', async () => {
  const metrics = new Metrics();
  metrics.counter('frames_late').add(3);
  const told = await look(metrics);
  assert.equal(valueIn(told, 'musecast_frames_replaced_total', { reason: 'engine_late' }), 3);
  assert.equal(valueIn(told, 'musecast_frames_replaced_total', { reason: 'engine_failed' }), 0);
});

test('measurements in ms are told in seconds, with buckets that hold exactly what does not exceed them', async () => {
  const metrics = new Metrics();
  for (const ms of [0.5, 1, 1.2, 40, 5000]) metrics.histogram('video_encode_ms').record(ms);
  const told = await look(metrics);
  const bucket = (le: string) => valueIn(told, 'musecast_stage_seconds_bucket', { stage: 'encode', le });
  assert.deepEqual(['0.0001', '0.001', '0.00215443', '0.1', '1', '+Inf'].map(bucket), [0, 2, 3, 4, 4, 5]);
  const sum = valueIn(told, 'musecast_stage_seconds_sum', { stage: 'encode' }) ?? Number.NaN;
  assert.ok(Math.abs(sum - 5.0427) < 1e-9, `${sum}`);
});

test('batches are told by whole numbers of pictures', async () => {
  const metrics = new Metrics();
  for (const jobs of [1, 1, 2, 3, 16]) metrics.histogram('batch_jobs').record(jobs);
  const told = await look(metrics);
  const bucket = (le: string) => valueIn(told, 'musecast_engine_batch_frames_bucket', { le });
  assert.deepEqual(['1', '2', '3', '14', '21'].map(bucket), [2, 3, 4, 4, 5]);
});

test('loss is told as a share', async () => {
  const metrics = new Metrics();
  for (const percent of [0, 0, 5, 100]) metrics.histogram('rtcp_lost_percent').record(percent);
  const told = await look(metrics);
  const bucket = (le: string) => valueIn(told, 'musecast_rtcp_loss_ratio_bucket', { le });
  assert.deepEqual(['0.001', '0.01', '0.1', '1'].map(bucket), [2, 2, 3, 4]);
});

test('what belongs to no family is told under its own name, and nothing twice', async () => {
  const metrics = new Metrics();
  metrics.counter('clients_too_slow').add(2);
  metrics.histogram('waited_ms').record(10);
  const told = await look(metrics);
  assert.equal(valueIn(told, 'musecast_clients_too_slow_total'), 2);
  assert.equal(valueIn(told, 'musecast_waited_seconds_count'), 1);
});

test('CPU, memory and event loop of the process are told', async () => {
  const told = await look(new Metrics());
  for (const name of [
    'process_cpu_seconds_total',
    'process_resident_memory_bytes',
    'nodejs_eventloop_lag_p99_seconds',
    'nodejs_heap_size_used_bytes',
  ]) {
    assert.equal(typeof valueIn(told, name), 'number', name);
  }
});

test('every family reads something that the server really counts or measures', async () => {
  const sources = (await sourceTexts('server', (path) => !path.includes('http/metrics/'))).join('\n');
  const read = [
    ...COUNTER_FAMILIES.flatMap(({ series }) => series.map(({ counter }) => counter)),
    ...HISTOGRAM_FAMILIES.flatMap(({ series }) => series.map(({ histogram }) => histogram)),
  ];
  assert.deepEqual(
    read.filter((name) => !sources.includes(`'${name}'`)),
    [],
  );
});
