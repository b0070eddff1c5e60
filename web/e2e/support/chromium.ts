import { join } from 'node:path';
import { type Browser, type BrowserContext, chromium, expect, type Page } from '@playwright/test';
import { findBrowser } from '../../../scripts/find-browsers.ts';

const PROBE = join(import.meta.dirname, 'probe.js');

export interface ChromiumOptions {
  /** wav that the fake microphone repeats; Chromium's own beep if left out. */
  readonly microphoneWav?: string;
  /** `ask`: as in real life, which a browser without a window answers with no. Default: `grant`. */
  readonly permission?: 'grant' | 'ask';
}

export function chromiumLaunch({ microphoneWav, permission = 'grant' }: ChromiumOptions = {}) {
  return {
    executablePath: findBrowser('chromium'),
    args: [
      '--no-sandbox',
      '--disable-background-networking',
      '--use-fake-device-for-media-stream',
      ...(permission === 'grant' ? ['--use-fake-ui-for-media-stream'] : []),
      ...(microphoneWav ? [`--use-file-for-fake-audio-capture=${microphoneWav}`] : []),
      '--autoplay-policy=no-user-gesture-required',
      '--allow-loopback-in-peer-connection',
    ],
  };
}

export function launchChromium(options: ChromiumOptions = {}): Promise<Browser> {
  return chromium.launch(chromiumLaunch(options));
}

/** The page of the server in a tab of its own, with what its console said. */
export class Tab {
  readonly page: Page;
  /** Errors and warnings of the console, and exceptions. */
  readonly complaints: string[] = [];

  private constructor(page: Page) {
    this.page = page;
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) this.complaints.push(`${message.type()}: ${message.text()}`);
    });
    page.on('pageerror', (error) => this.complaints.push(`exception: ${error.message}`));
  }

  /** @param script Runs in the page before its own. */
  static async open(browser: Browser | BrowserContext, url: string, script?: string): Promise<Tab> {
    const tab = new Tab(await browser.newPage());
    await tab.page.addInitScript({ path: PROBE });
    if (script) await tab.page.addInitScript({ content: script });
    await tab.page.goto(url);
    return tab;
  }

  async choose(avatarId: string): Promise<void> {
    await this.page.locator(`#avatar-${avatarId}`).check();
  }

  /** Presses the primary button and waits for the live picture. */
  async talk(): Promise<void> {
    await this.page.locator('#talk:enabled').click();
    await this.untilLive();
  }

  async untilLive(): Promise<void> {
    await this.untilState('live');
    await expect(this.page.locator('.has-picture')).toBeVisible({ timeout: 15_000 });
  }

  async untilState(name: string, timeoutMs = 15_000): Promise<void> {
    await expect(this.page.locator('html')).toHaveAttribute('data-state', name, { timeout: timeoutMs });
  }

  /** Waits until the picture has moved on by `count` frames. */
  async untilFrames(count: number, timeoutMs = 10_000): Promise<void> {
    const before = await this.frames();
    await expect.poll(() => this.frames(), { timeout: timeoutMs }).toBeGreaterThan(before + count);
  }

  frames(): Promise<number> {
    return this.page.evaluate<number>('probe.frames()');
  }

  tone(durationMs: number): Promise<{ frequencyHz: number; level: number }> {
    return this.page.evaluate(`probe.tone(${durationMs})`);
  }

  loudness(): Promise<number> {
    return this.page.evaluate('probe.loudness()');
  }

  /** Per picture: when it came, how much the mouth moved since the one before, how loud it was. */
  watch(durationMs: number): Promise<{ atMs: number; motion: number; loudness: number }[]> {
    return this.page.evaluate(`probe.watch(${durationMs})`);
  }

  distanceTo(avatarId: string): Promise<number> {
    return this.page.evaluate(`probe.distanceTo('${avatarId}')`);
  }
}
