import { element, setText } from './element.js';
import { FigureReader } from './figures.js';
import { recall, remember } from './memory.js';

/**
 * @typedef {import('./conversation.js').Conversation} Conversation
 * @typedef {import('./figures.js').Figures} Figures
 */

const READ_EVERY_MS = 500;

/** @type {{ id: string, label: string, text: (figures: Figures) => string | null }[]} */
const ROWS = [
  { id: 'delay', label: 'Voice to lips', text: ({ delayMs }) => unit(delayMs, 'ms') },
  { id: 'offset', label: 'Lips ahead of sound', text: ({ offsetMs }) => unit(offsetMs, 'ms') },
  { id: 'round-trip', label: 'Round trip', text: ({ roundTripMs }) => unit(roundTripMs, 'ms') },
  { id: 'rate', label: 'Frame rate', text: ({ framesPerSecond }) => unit(framesPerSecond, 'fps') },
  { id: 'mouths', label: 'New mouths', text: ({ mouthsPerSecond }) => unit(mouthsPerSecond, 'per s') },
  {
    id: 'bitrate',
    label: 'Received',
    text: ({ bitsPerSecond }) => unit(bitsPerSecond === null ? null : bitsPerSecond / 1000, 'kbit/s'),
  },
  { id: 'lost', label: 'Packets lost', text: ({ packetsLost }) => unit(packetsLost, '') },
  { id: 'codec', label: 'Picture', text: ({ codec, size }) => (codec && size ? `${codec}, ${size}` : codec) },
];

/** The panel of live figures: closed at first, remembered, and read only while it is open. */
export class FiguresView {
  #conversation;
  #panel = element('figures', HTMLDetailsElement);
  /** @type {Map<string, HTMLElement>} */
  #values = new Map();
  #reader = new FigureReader();
  /** @type {MediaStream | null} */
  #stream = null;

  /** @param {Conversation} conversation */
  constructor(conversation) {
    this.#conversation = conversation;
    const list = element('figure-list', HTMLElement);
    for (const { id, label } of ROWS) {
      const row = document.createElement('div');
      const term = document.createElement('dt');
      term.textContent = label;
      const value = document.createElement('dd');
      value.id = `figure-${id}`;
      value.textContent = '–';
      row.append(term, value);
      list.append(row);
      this.#values.set(id, value);
    }
    this.#panel.open = recall('figures') === 'open';
    this.#panel.addEventListener('toggle', () => {
      remember('figures', this.#panel.open ? 'open' : null);
      void this.#read();
    });
    setInterval(() => void this.#read(), READ_EVERY_MS);
  }

  async #read() {
    if (!this.#panel.open || document.hidden) return;
    const { stream, serverFigures, microphoneTrack } = this.#conversation;
    if (stream !== this.#stream) {
      this.#stream = stream;
      this.#reader = new FigureReader();
    }
    const report = await this.#conversation.stats();
    const figures = report ? this.#reader.read(report, serverFigures, captureMs(microphoneTrack)) : null;
    for (const { id, text } of ROWS) {
      const value = this.#values.get(id);
      if (value) setText(value, (figures && text(figures)) ?? '–');
    }
  }
}

/**
 * @param {MediaStreamTrack | null} track
 * @returns {number | null} What the browser says of the microphone's delay; 10 ms, one buffer, where it does not.
 */
function captureMs(track) {
  if (!track) return null;
  const { latency } = /** @type {{ latency?: number }} */ (track.getSettings());
  return latency ? latency * 1000 : 10;
}

/**
 * @param {number | null} value
 * @param {string} name
 */
function unit(value, name) {
  return value === null ? null : `${Math.round(value)} ${name}`.trim();
}
