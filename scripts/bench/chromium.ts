import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { extname, join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { findBrowser } from '../find-browsers.ts';

const PAGE_FOLDER = join(import.meta.dirname, 'page');
/** The part of the product's page that the measuring page uses too. */
const LIP_SYNC = 'lip-sync.js';
const PRODUCT_FOLDER = join(import.meta.dirname, '../../web/src');
const TYPES: Readonly<Record<string, string>> = { '.html': 'text/html', '.js': 'text/javascript' };

/** Square that flashes, in pixels of the picture. */
export interface Square {
  readonly x: number;
  readonly y: number;
  readonly sizePx: number;
}

/** When something with that RTP time stamp was seen or heard. */
export interface Stamped {
  readonly atMs: number;
  readonly rtpTimestamp: number;
}

/** What the measuring page saw and heard since it was asked last; times are `performance.now()` ms of the page. */
export interface PageEvents {
  /** First picture of each flash: when it is on the screen. */
  readonly flashes: readonly Stamped[];
  /** First picture after each flash, likewise. */
  readonly darks: readonly Stamped[];
  /** Packets of sound: when their first sample leaves the loudspeaker, by the browser's own account. */
  readonly sounds: readonly Stamped[];
  /** First sample of each beep: when it would leave the loudspeaker after its way through the audio graph. */
  readonly beeps: readonly number[];
  /** First sample of each beep of the microphone: when the page got it. */
  readonly microphone: readonly number[];
  /** How much newer sound is than picture in the browser's own opinion, once a second, ms. */
  readonly estimates: readonly number[];
  readonly counts: {
    readonly framesDecoded: number;
    readonly framesDropped: number;
    readonly freezeCount: number;
    readonly packetsLost: number;
  };
}

/** What the page offers to us (page/page.js). */
interface PageWindow {
  readonly bench: {
    start(options: { url: string; square: Square; hasMicrophone: boolean }): Promise<void>;
    take(): Promise<PageEvents>;
    say(message: object): number;
    mute(): void;
  };
}

/** A Chromium without a window that looks at one session with the measuring page. */
export class MeasuringBrowser {
  readonly #browser: Browser;
  readonly #server: Server;
  readonly #page: Page;

  private constructor(browser: Browser, server: Server, page: Page) {
    this.#browser = browser;
    this.#server = server;
    this.#page = page;
  }

  /** @param microphoneWav Absolute path of 48 kHz mono 16 bit sound that the fake microphone repeats; null for none. */
  static async open(microphoneWav: string | null): Promise<MeasuringBrowser> {
    const server = await servePage();
    const browser = await chromium.launch({
      executablePath: findBrowser('chromium'),
      args: [
        '--no-sandbox',
        '--use-fake-device-for-media-stream',
        '--use-fake-ui-for-media-stream',
        '--autoplay-policy=no-user-gesture-required',
        '--disable-features=WebRtcHideLocalIpsWithMdns',
        '--allow-loopback-in-peer-connection',
        ...(microphoneWav ? [`--use-file-for-fake-audio-capture=${microphoneWav}`] : []),
      ],
    });
    const page = await browser.newPage();
    page.on('pageerror', (error) => console.error(`measuring page: ${error.message}`));
    const address = server.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    await page.goto(`http://127.0.0.1:${port}/index.html`);
    return new MeasuringBrowser(browser, server, page);
  }

  /** Connects to the server at `url`; resolves when media flows. */
  async connect(url: string, square: Square, options: { hasMicrophone: boolean }): Promise<void> {
    const wanted = { url: `${url.replace(/^http/, 'ws')}/ws`, square, ...options };
    await this.#page.evaluate((given) => (globalThis as unknown as PageWindow).bench.start(given), wanted);
  }

  async take(): Promise<PageEvents> {
    return await this.#page.evaluate(() => (globalThis as unknown as PageWindow).bench.take());
  }

  /** Sends a signalling message. @returns When, in the page's time. */
  async say(message: object): Promise<number> {
    return await this.#page.evaluate((given) => (globalThis as unknown as PageWindow).bench.say(given), message);
  }

  /** Switches the microphone off. */
  async mute(): Promise<void> {
    await this.#page.evaluate(() => (globalThis as unknown as PageWindow).bench.mute());
  }

  async close(): Promise<void> {
    if (!this.#browser.isConnected()) return;
    await this.#browser.close();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

async function servePage(): Promise<Server> {
  const server = createServer(async (request, response) => {
    const name = (request.url ?? '/').slice(1);
    try {
      if (!/^[\w-]+\.(html|js)$/.test(name)) throw new Error('no such file');
      const content = await readFile(name === LIP_SYNC ? join(PRODUCT_FOLDER, name) : join(PAGE_FOLDER, name));
      response.writeHead(200, { 'content-type': TYPES[extname(name)] }).end(content);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}
