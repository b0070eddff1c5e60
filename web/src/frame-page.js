import { backdropOf } from './backdrop.js';
import { Door, tabStore, takeFromAddress } from './door.js';
import { element, setText } from './element.js';
import { FrameSession } from './frame-session.js';
import { KeyDialog } from './key-dialog.js';
import { recall, remember } from './memory.js';
import { startTheme } from './theme.js';

// The sample page of the frame service: one WebSocket, WebCodecs for the pictures, Web Audio for the sound.

/** @typedef {{ id: string, name: string, portrait: string }} Face */

const FIGURES_EVERY_MS = 500;
const IDLE = 'Sound goes in, pictures come out, over one WebSocket.';

const store = tabStore();
const given = takeFromAddress();
if (given) store.set(given);
const keyDialog = new KeyDialog();
const door = new Door({ fetch: (path, init) => fetch(path, init), store, ask: (problem) => keyDialog.ask(problem) });

const root = document.documentElement;
const name = element('name', HTMLElement);
const statusText = element('status-text', HTMLElement);
const statusHelp = element('status-help', HTMLElement);
const connect = element('connect', HTMLButtonElement);
const toolbar = element('toolbar', HTMLElement);
const file = element('file', HTMLInputElement);
const microphone = element('microphone', HTMLButtonElement);
const hush = element('hush', HTMLButtonElement);
const faces = element('faces', HTMLElement);
const videos = element('videos', HTMLElement);
const chips = element('chips', HTMLElement);
const binary = element('binary', HTMLInputElement);
const portrait = element('portrait', HTMLImageElement);
const frame = element('frame', HTMLElement);
const badge = element('badge', HTMLElement);

/** @type {Face[]} */
let known = [];
let chosen = recall('avatar') ?? '';
/** @type {FrameSession | null} */
let session = null;

startTheme();
portrait.addEventListener('load', () => {
  portrait.hidden = false;
  const { left, top, right } = backdropOf(portrait);
  const { style } = element('backdrop', HTMLElement);
  style.setProperty('--backdrop-left', left);
  style.setProperty('--backdrop-top', top);
  style.setProperty('--backdrop-right', right);
});
portrait.addEventListener('error', () => {
  portrait.hidden = true;
});
faces.addEventListener('change', ({ target }) => {
  if (target instanceof HTMLInputElement) void choose(target.value);
});
connect.addEventListener('click', () => void (session ? leave() : enter()));
file.addEventListener('change', () => {
  const [picked] = file.files ?? [];
  if (picked) void act(() => session?.sayFile(picked));
  file.value = '';
});
microphone.addEventListener('click', () => void act(() => session?.toggleMicrophone()));
hush.addEventListener('click', () => session?.hush());
chips.addEventListener('click', ({ target }) => {
  const chip = target instanceof Element ? target.closest('button') : null;
  const video = chip?.dataset.video;
  if (video) void act(() => session?.show(video));
});
setInterval(drawFigures, FIGURES_EVERY_MS);
void begin();

async function begin() {
  if (!('VideoDecoder' in globalThis)) {
    const help = isSecureContext
      ? 'Use a current Chrome, Edge, Firefox or Safari.'
      : 'Open it over https, or on localhost.';
    say('unsupported', 'This browser lacks WebCodecs here.', help);
    return;
  }
  try {
    // Waits for the person if the server wants a key.
    await door.open(new URL('/musetalk/v1/ws/guest', location.href));
    const { avatars } = await (await fetch('/health', { cache: 'no-store' })).json();
    known = avatars
      .filter((/** @type {{ state: string }} */ avatar) => avatar.state === 'ready')
      .map((/** @type {{ id: string }} */ { id }) => ({
        id,
        name: id.charAt(0).toUpperCase() + id.slice(1).replaceAll('_', ' '),
        portrait: `/avatars/${encodeURIComponent(id)}/portrait`,
      }));
  } catch {
    say('gone', 'The server does not answer.', 'Is it still running? Load the page again when it is.');
    return;
  }
  if (known.length === 0) {
    say('gone', 'No avatar is ready yet.', 'Load the page again in a moment.');
    return;
  }
  element('gallery', HTMLElement).hidden = false;
  faces.replaceChildren(...(await Promise.all(known.map(faceOf))));
  await choose(known.some(({ id }) => id === chosen) ? chosen : (known[0]?.id ?? ''));
  connect.disabled = false;
  say('idle', IDLE);
}

/** @param {string} id */
async function choose(id) {
  chosen = id;
  remember('avatar', id);
  const face = known.find((each) => each.id === id);
  setText(name, face?.name ?? id);
  for (const input of faces.querySelectorAll('input')) input.checked = input.value === id;
  if (face) portrait.src = await door.picture(face.portrait);
  // One socket is one session: another face is another session.
  if (session) {
    await leave();
    await enter();
  }
}

async function enter() {
  connect.disabled = true;
  say('connecting', 'Connecting…');
  try {
    const url = await door.open(new URL(`/musetalk/v1/ws/${encodeURIComponent(chosen)}`, location.href));
    url.protocol = url.protocol.replace('http', 'ws');
    session = await FrameSession.open(url, element('canvas', HTMLCanvasElement), {
      isBinary: binary.checked,
      onFirst: () => frame.classList.add('has-picture'),
      onProblem: (message) => say('live', 'Live', message),
      onEnded: (reason) => ended(reason),
    });
  } catch (error) {
    say('failed', 'That did not work.', error instanceof Error ? error.message : String(error));
    connect.disabled = false;
    return;
  }
  say('live', 'Live. Say a file, or speak.');
  setText(connect, 'Leave');
  drawVideos(session.videos);
  drawSession();
}

async function leave() {
  const leaving = session;
  session = null;
  await leaving?.close();
  say('idle', IDLE);
  drawSession();
}

/** @param {string} reason */
function ended(reason) {
  if (!session) return;
  session = null;
  say('failed', 'The session has ended.', reason);
  drawSession();
}

/** Carries out a wish, and tells what is wrong with it. @param {() => Promise<unknown> | undefined} wish */
async function act(wish) {
  try {
    await wish();
    statusHelp.hidden = true;
  } catch (error) {
    say('live', 'Live', error instanceof Error ? error.message : String(error));
  }
  drawSession();
}

/**
 * @param {string} state
 * @param {string} text
 */
function say(state, text, help = '') {
  root.dataset.state = state;
  setText(statusText, text);
  setText(statusHelp, help);
  statusHelp.hidden = help === '';
}

function drawSession() {
  connect.disabled = false;
  setText(connect, session ? 'Leave' : 'Connect');
  connect.classList.toggle('is-ending', session !== null);
  toolbar.hidden = session === null;
  videos.hidden = session === null;
  badge.hidden = session === null;
  binary.disabled = session !== null;
  if (!session) frame.classList.remove('has-picture');
  microphone.setAttribute('aria-pressed', String(session?.hasMicrophone ?? false));
  for (const chip of chips.querySelectorAll('button')) {
    chip.setAttribute('aria-pressed', String(chip.dataset.video === session?.shownVideo));
  }
}

/** @param {readonly string[]} names */
function drawVideos(names) {
  chips.replaceChildren(
    ...names.map((video) => {
      const chip = document.createElement('button');
      chip.type = 'button';
      chip.className = 'chip';
      chip.dataset.video = video;
      chip.textContent = video.replace('_', ' ');
      return chip;
    }),
  );
}

function drawFigures() {
  const figures = session?.figures() ?? {};
  const list = element('figure-list', HTMLElement);
  list.replaceChildren(
    ...Object.entries(figures).map(([label, value]) => {
      const line = document.createElement('div');
      const term = document.createElement('dt');
      const detail = document.createElement('dd');
      term.textContent = label;
      detail.textContent = value;
      line.append(term, detail);
      return line;
    }),
  );
}

/** @param {Face} face */
async function faceOf({ id, name: text, portrait: path }) {
  const label = document.createElement('label');
  label.className = 'face';
  const input = document.createElement('input');
  input.type = 'radio';
  input.name = 'avatar';
  input.value = id;
  input.id = `avatar-${id}`;
  const picture = document.createElement('img');
  picture.src = await door.picture(path);
  picture.alt = '';
  picture.width = 128;
  picture.height = 128;
  const caption = document.createElement('span');
  caption.className = 'face-name';
  caption.textContent = text;
  label.append(input, picture, caption);
  return label;
}
