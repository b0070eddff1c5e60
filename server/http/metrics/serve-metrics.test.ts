import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { afterEach, test } from 'node:test';
import { AppError } from '../../errors.ts';
import { Metrics } from '../../metrics.ts';
import type { Door } from '../../session/session-owner.ts';
import { readExposition } from '../../testing/exposition-reader.ts';
import { FakeGallery } from '../../testing/fake-viewers.ts';
import { fakeAvatar } from '../../testing/fakes.ts';
import { type HttpRig, type HttpRigOptions, openHttpRig } from '../../testing/http-rig.ts';
import { covers } from '../access/access.ts';
import type { MeasuredSession } from './live-gauges.ts';
import { serveMetrics } from './serve-metrics.ts';

const DASHBOARD = `${import.meta.dirname}/../../../configs/grafana-dashboard.json`;
const SECRET_ID = '2f1c8a86-0000-4000-8000-1234567890ab';

let rig: HttpRig | null = null;
afterEach(() => rig?.close());

function session(state: MeasuredSession['state'], door: Door, bufferedMs = 0): MeasuredSession {
  return {
    state,
    owner: { door, subject: SECRET_ID, maxSessions: null },
    figures: () => ({ session_id: SECRET_ID, jitter_buffer_ms: bufferedMs }),
    encoders: () => [{ codec: 'H264', bitrateBps: 600_000 + 1000 * bufferedMs, waitingPictures: 2 }],
  };
}

async function open(sessions: MeasuredSession[], options: HttpRigOptions = {}): Promise<HttpRig> {
  rig = await openHttpRig({
    ...options,
    addRoutes: (app) =>
      serveMetrics(app, new Metrics(), {
        version: '9.8.7',
        capacity: () => 16,
        gallery: new FakeGallery([fakeAvatar('anna')]),
        sessions: () => sessions,
        engine: () => ({
          id: 'embedded',
          device: 'cpu',
          waitingMs: 12,
          sharing: { rate: 20, talking: { all: 5, resting: 2 } },
        }),
      }),
  });
  return rig;
}

async function look() {
  const response = await rig!.get('/metrics');
  assert.match(response.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
  const text = await response.text();
  const { samples } = readExposition(text);
  const value = (name: string, labels: Record<string, string> = {}) =>
    samples.find((each) => each.name === name && Object.entries(labels).every(([k, v]) => each.labels[k] === v))?.value;
  return { text, samples, value };
}

test('sessions are told by state and door, queues by the longest, encoders by their mean', async () => {
  await open([session('live', 'page', 20), session('live', 'page', 60), session('waiting', 'streamer')]);
  const { value } = await look();
  assert.equal(value('musecast_sessions', { state: 'live', door: 'page' }), 2);
  assert.equal(value('musecast_sessions', { state: 'waiting', door: 'streamer' }), 1);
  assert.equal(value('musecast_sessions', { state: 'live', door: 'whip' }), 0);
  assert.equal(value('musecast_queue_seconds', { queue: 'sound_in' }), 0.06);
  assert.equal(value('musecast_queue_seconds', { queue: 'engine' }), 0.012);
  assert.equal(value('musecast_queue_seconds', { queue: 'encoded' }), 0.08);
  assert.equal(value('musecast_encoders', { codec: 'H264' }), 3);
  assert.equal(Math.round(value('musecast_encoder_bitrate_bits_per_second', { codec: 'H264' }) ?? 0), 626_667);
  assert.equal(value('musecast_encoder_bitrate_bits_per_second', { codec: 'VP8' }), undefined);
  assert.equal(value('musecast_build_info', { version: '9.8.7', node: process.version }), 1);
  assert.equal(value('musecast_engine_info', { engine: 'embedded', device: 'cpu' }), 1);
  assert.equal(value('musecast_avatars', { state: 'ready' }), 1);
});

test('the number of series does not grow with sessions, and nothing that a client chose is told', async () => {
  const sessions: MeasuredSession[] = [session('live', 'rest')];
  await open(sessions);
  const before = await look();
  for (let i = 0; i < 200; i += 1) sessions.push(session('live', 'rest', i));
  const after = await look();
  const own = ({ samples }: typeof before) => samples.filter(({ name }) => name.startsWith('musecast_')).length;
  assert.equal(own(after), own(before));
  assert.ok(own(after) < 600, `${own(after)} series`);
  assert.doesNotMatch(after.text, new RegExp(SECRET_ID));
});

test('where access is not free only an administrator may look', async () => {
  await open([], {
    access: {
      isRequired: true,
      async admit(credential, scope) {
        const granted = credential === 'operator' ? 'admin' : credential === 'visitor' ? 'speak' : null;
        if (!granted) throw new AppError('unauthorized', 'Give a key.');
        if (!covers(granted, scope)) throw new AppError('forbidden', 'Not with this key.');
        const limits = { maxSessions: null, maxRequestsPerSecond: null, sessionId: null };
        return { subject: granted, scope: granted, credential: 'key', ...limits };
      },
    },
  });
  const status = async (authorization: string) => (await rig!.get('/metrics', { authorization })).status;
  assert.deepEqual(await Promise.all(['', 'Bearer visitor', 'Bearer operator'].map(status)), [401, 403, 200]);
});

test('every metric, label and stage that the Grafana dashboard asks for exists', async () => {
  await open([session('live', 'page')]);
  const { samples } = await look();
  const dashboard: unknown = JSON.parse(await readFile(DASHBOARD, 'utf8'));
  const queries = textsOf(dashboard).filter((text) => /\b(musecast|process|nodejs)_/.test(text) && /[({]/.test(text));
  assert.ok(queries.length > 30, `${queries.length} queries`);
  const missing: string[] = [];
  for (const query of queries) {
    for (const [, name, selector = ''] of query.matchAll(/\b((?:musecast|process|nodejs)_\w+)(?:\{([^}]*)\})?/g)) {
      const wanted = [...selector.matchAll(/(\w+)="([^"]*)"/g)].map(([, label, value]) => [label, value] as const);
      const found = samples.some(
        (each) => each.name === name && wanted.every(([label, value]) => each.labels[label] === value),
      );
      if (!found) missing.push(`${name}{${selector}}`);
      const grouped = /by \(([^)]*)\)/.exec(query)?.[1].split(/,\s*/) ?? [];
      for (const label of grouped) {
        if (!samples.some((each) => each.name === name && label in each.labels) && !query.includes('/')) {
          missing.push(`${name} has no label ${label}`);
        }
      }
    }
  }
  assert.deepEqual(missing, []);
});

/** All texts in a JSON value. */
function textsOf(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsOf) : [];
}
