/**
 * What the page says in each state: one sentence on where things are, one on what to do if there is something to do.
 *
 * @typedef {import('./state.js').State} State
 * @typedef {{ text: string, help?: string, countdown?: string, action: string, title?: string }} Words
 *   `action`: the primary button. `countdown` changes by itself, so it is not read out.
 *
 * @param {State} state
 * @param {object} facts
 * @param {string} facts.name The avatar's; '' while unknown.
 * @param {boolean} facts.hasMicrophone
 * @param {boolean} facts.isMuted
 * @param {string | null} facts.clip Sample being spoken.
 * @param {number} facts.nowMs `Date.now()`
 * @returns {Words}
 */
export function wordsFor(state, { name, hasMicrophone, isMuted, clip, nowMs }) {
  const talk = name ? `Talk with ${name}` : 'Talk';
  switch (state.name) {
    case 'loading':
      return state.progress === null
        ? { text: 'Getting ready…', action: talk, title: 'Getting ready' }
        : {
            text: 'Getting the faces ready.',
            help: 'Each is prepared once, when the server first sees it.',
            countdown: `${Math.floor(state.progress * 100)} % done`,
            action: talk,
            title: 'Getting ready',
          };
    case 'idle':
      return { text: `Speak, and ${name} says it with you: your voice, this face.`, action: talk };
    case 'asking':
      return {
        text: 'Your browser is asking for the microphone.',
        help: 'Choose Allow. Your voice goes to this server only.',
        action: 'Cancel',
        title: 'Microphone?',
      };
    case 'connecting':
      return { text: `Calling ${name}…`, action: 'Cancel', title: 'Calling' };
    case 'live':
      return { ...liveWords(name, hasMicrophone, isMuted, clip), title: 'Live' };
    case 'reconnecting':
      return {
        text: 'The line dropped. Picking it up again…',
        help: 'You need not do anything.',
        action: 'Cancel',
        title: 'Reconnecting',
      };
    case 'full':
      return {
        text: 'All places are taken.',
        countdown: `Trying again ${inSeconds(state.retryAtMs - nowMs)}.`,
        action: 'Stop waiting',
        title: 'Waiting for a place',
      };
    case 'gone':
      return {
        text: 'The server does not answer.',
        countdown: `Trying again ${inSeconds(state.retryAtMs - nowMs)}.`,
        help: 'If this lasts, check that the server is running and that you are online.',
        action: 'Try now',
        title: 'No server',
      };
    case 'failed':
      return {
        text: 'The call could not be made.',
        help: `${state.message} Behind a strict firewall the server needs a TURN relay.`,
        action: 'Try again',
        title: 'Call failed',
      };
    case 'microphone-refused':
      return {
        text: 'The microphone is blocked for this page.',
        help: `To allow it, open the icon left of the address, switch the microphone on and try again. Or let ${name} speak a sample.`,
        action: 'Try again',
        title: 'Microphone blocked',
      };
    case 'microphone-missing':
      return {
        text: 'No microphone was found.',
        help: `Plug one in and try again, or let ${name} speak a sample.`,
        action: 'Try again',
        title: 'No microphone',
      };
    case 'microphone-busy':
      return {
        text: 'The microphone does not start.',
        help: 'Another program may be holding it. Close that program, or choose another microphone, and try again.',
        action: 'Try again',
        title: 'Microphone busy',
      };
    case 'insecure':
      return {
        text: 'Browsers open the microphone to secure pages only.',
        help: `Open this page over https, or as http://localhost on the server’s own machine. ${name} can speak the samples here as well.`,
        action: talk,
        title: 'Not secure',
      };
    case 'unsupported':
      return {
        text: 'This browser cannot make live calls (WebRTC).',
        help: 'A current Chrome, Edge, Firefox or Safari can. Some privacy settings switch it off.',
        action: talk,
        title: 'Browser too old',
      };
  }
}

/**
 * @param {string} name
 * @param {boolean} hasMicrophone
 * @param {boolean} isMuted
 * @param {string | null} clip
 */
function liveWords(name, hasMicrophone, isMuted, clip) {
  if (clip)
    return {
      text: `${name} is speaking the sample “${spoken(clip)}”.`,
      action: hasMicrophone ? 'Stop' : `Talk with ${name}`,
    };
  if (!hasMicrophone)
    return { text: `${name} is here. Choose a sample, or talk yourself.`, action: `Talk with ${name}` };
  if (isMuted) return { text: `You are muted. ${name} waits.`, action: 'Stop' };
  return { text: `Speak. ${name} says what you say.`, action: 'Stop' };
}

/** A clip's name as people read it. */
export function spoken(/** @type {string} */ clip) {
  return clip.replace(/[_-]+/g, ' ');
}

function inSeconds(/** @type {number} */ ms) {
  const seconds = Math.ceil(ms / 1000);
  return seconds <= 0 ? 'now' : `in ${seconds} s`;
}
