import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FIRST_STATE, hasCall, isEngaged, next } from './state.js';

/** @typedef {import('./state.js').State} State */
/** @typedef {import('./state.js').Event} Event */

/** @param {State} state @param {...Event} events */
const after = (state, ...events) => events.reduce(next, state);

/** @type {State} */
const IDLE = { name: 'idle' };
/** @type {State} */
const LIVE = { name: 'live' };

test('the usual way leads from loading to a live conversation and back', () => {
  const live = after(
    FIRST_STATE,
    { type: 'ready' },
    { type: 'talk' },
    { type: 'microphone-open' },
    { type: 'connected' },
  );
  assert.deepEqual(live, LIVE);
  assert.deepEqual(next(live, { type: 'stop' }), IDLE);
});

test('a sample needs no microphone', () => {
  assert.deepEqual(after(IDLE, { type: 'listen' }, { type: 'connected' }), LIVE);
});

test('a microphone that opens after the person gave up starts nothing', () => {
  assert.deepEqual(after(IDLE, { type: 'talk' }, { type: 'stop' }, { type: 'microphone-open' }), IDLE);
});

test('a conversation whose socket drops goes on as soon as the server is back', () => {
  const down = next(LIVE, { type: 'socket-down', attempt: 1, retryAtMs: 400 });
  assert.deepEqual(down, { name: 'reconnecting', hasCall: false });
  assert.deepEqual(next(down, { type: 'ready' }), { name: 'connecting' });
});

test('after some attempts a lost line is called a lost server, and the wish to go on is kept', () => {
  let state = LIVE;
  for (const attempt of [1, 2, 3, 4]) state = next(state, { type: 'socket-down', attempt, retryAtMs: 5000 });
  assert.deepEqual(state, { name: 'gone', retryAtMs: 5000, resume: true });
  assert.deepEqual(next(state, { type: 'ready' }), { name: 'connecting' });
});

test('a server that is lost while nobody talks resumes nothing', () => {
  const gone = next(IDLE, { type: 'socket-down', attempt: 1, retryAtMs: 400 });
  assert.deepEqual(gone, { name: 'gone', retryAtMs: 400, resume: false });
  assert.deepEqual(next(gone, { type: 'ready' }), IDLE);
});

test('a lost server does not hide what is wrong with the microphone', () => {
  const refused = after(IDLE, { type: 'talk' }, { type: 'microphone-problem', problem: 'microphone-refused' });
  assert.equal(next(refused, { type: 'socket-down', attempt: 9, retryAtMs: 0 }), refused);
});

test('a broken network path keeps the call, and the end of the search for another one makes a new call', () => {
  const searching = next(LIVE, { type: 'interrupted' });
  assert.ok(hasCall(searching));
  assert.deepEqual(next(searching, { type: 'connected' }), LIVE);
  assert.deepEqual(next(searching, { type: 'call-failed' }), { name: 'connecting' });
});

test('a first call that finds no path fails instead of calling for ever', () => {
  assert.equal(after(IDLE, { type: 'listen' }, { type: 'call-failed' }).name, 'failed');
});

test('a full server is asked again until the person stops waiting', () => {
  const full = after(IDLE, { type: 'listen' }, { type: 'full', retryAtMs: 5000 });
  assert.ok(isEngaged(full));
  assert.deepEqual(next(full, { type: 'retry' }), { name: 'connecting' });
  assert.deepEqual(next(full, { type: 'stop' }), IDLE);
});

test('a browser without WebRTC stays so whatever happens', () => {
  const state = next(FIRST_STATE, { type: 'unsupported' });
  assert.equal(after(state, { type: 'ready' }, { type: 'talk' }, { type: 'listen' }), state);
});
