/**
 * The conversation is in exactly one of these states.
 *
 * @typedef {{ name: 'loading', progress: number | null, resume: boolean }
 *   | { name: 'idle' }
 *   | { name: 'asking' }
 *   | { name: 'connecting' }
 *   | { name: 'live' }
 *   | { name: 'reconnecting', hasCall: boolean }
 *   | { name: 'full', retryAtMs: number }
 *   | { name: 'gone', retryAtMs: number, resume: boolean }
 *   | { name: 'failed', message: string }
 *   | { name: MicrophoneProblem }
 *   | { name: 'unsupported' }} State
 *
 * `resume`: the person was in a conversation, which goes on as soon as it can. `progress`: 0..1 of preparing the
 * avatars. `hasCall`: the call stands and only its network path is looked for. Times are `Date.now()` ms.
 *
 * @typedef {'microphone-refused' | 'microphone-missing' | 'microphone-busy' | 'insecure'} MicrophoneProblem
 *
 * @typedef {{ type: 'preparing', progress: number | null }
 *   | { type: 'ready' }
 *   | { type: 'unsupported' }
 *   | { type: 'talk' }
 *   | { type: 'listen' }
 *   | { type: 'redial' }
 *   | { type: 'microphone-open' }
 *   | { type: 'microphone-problem', problem: MicrophoneProblem }
 *   | { type: 'connected' }
 *   | { type: 'interrupted' }
 *   | { type: 'call-failed' }
 *   | { type: 'refused', message: string }
 *   | { type: 'full', retryAtMs: number }
 *   | { type: 'retry' }
 *   | { type: 'socket-down', attempt: number, retryAtMs: number }
 *   | { type: 'stop' }} Event
 */

/** Failed attempts after which a lost line is called a lost server. */
const PATIENT_ATTEMPTS = 3;

/** @type {State} */
export const FIRST_STATE = { name: 'loading', progress: null, resume: false };

/** Whether a call stands or is being made in this state. */
export function hasCall(/** @type {State} */ state) {
  return state.name === 'connecting' || state.name === 'live' || (state.name === 'reconnecting' && state.hasCall);
}

/** Whether the person wants to be in a conversation, even if the line is down at the moment. */
export function isEngaged(/** @type {State} */ state) {
  return (
    hasCall(state) || state.name === 'reconnecting' || state.name === 'full' || ('resume' in state && state.resume)
  );
}

/**
 * What becomes of `state` when `event` happens. Pure; returns `state` itself where the event changes nothing.
 *
 * @param {State} state
 * @param {Event} event
 * @returns {State}
 */
export function next(state, event) {
  if (state.name === 'unsupported') return state;
  switch (event.type) {
    case 'unsupported':
      return { name: 'unsupported' };
    case 'preparing':
      return state.name === 'asking' ? state : { name: 'loading', progress: event.progress, resume: isEngaged(state) };
    case 'ready':
      if (state.name === 'loading' || state.name === 'gone') return { name: state.resume ? 'connecting' : 'idle' };
      return state.name === 'reconnecting' && !state.hasCall ? { name: 'connecting' } : state;
    case 'talk':
      return hasCall(state) ? state : { name: 'asking' };
    case 'listen':
      return hasCall(state) ? state : { name: 'connecting' };
    case 'redial':
      return hasCall(state) ? { name: 'connecting' } : state;
    case 'microphone-open':
      return state.name === 'asking' ? { name: 'connecting' } : state;
    case 'microphone-problem':
      return state.name === 'asking' ? { name: event.problem } : state;
    case 'connected':
      return hasCall(state) && state.name !== 'live' ? { name: 'live' } : state;
    case 'interrupted':
      return state.name === 'live' ? { name: 'reconnecting', hasCall: true } : state;
    case 'call-failed':
      if (state.name === 'connecting') return { name: 'failed', message: 'No network path to the server was found.' };
      return hasCall(state) ? { name: 'connecting' } : state;
    case 'refused':
      return hasCall(state) ? { name: 'failed', message: event.message } : state;
    case 'full':
      return hasCall(state) ? { name: 'full', retryAtMs: event.retryAtMs } : state;
    case 'retry':
      return state.name === 'full' ? { name: 'connecting' } : state;
    case 'socket-down':
      return afterSocketDown(state, event);
    case 'stop':
      return state.name === 'loading' || state.name === 'gone' ? { ...state, resume: false } : { name: 'idle' };
  }
}

/**
 * @param {State} state
 * @param {{ attempt: number, retryAtMs: number }} event
 * @returns {State}
 */
function afterSocketDown(state, { attempt, retryAtMs }) {
  if (isEngaged(state) && attempt <= PATIENT_ATTEMPTS) return { name: 'reconnecting', hasCall: false };
  // What is wrong with the microphone is still true, and needs the person; the socket comes back by itself.
  const isElsewhere = state.name !== 'idle' && state.name !== 'loading' && state.name !== 'gone' && !isEngaged(state);
  return isElsewhere ? state : { name: 'gone', retryAtMs, resume: isEngaged(state) };
}
