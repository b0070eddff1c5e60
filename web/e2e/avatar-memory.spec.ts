import { mkdir, writeFile } from 'node:fs/promises';
import { expect, test } from '@playwright/test';
import { launchChromium, Tab } from './support/chromium.ts';
import { Server } from './support/server.ts';

interface Figures {
  readonly gauges: { readonly avatars_mb: number };
  readonly counters: { readonly engine_failures?: number; readonly frames_drawn?: number };
}

/** Room for one of the demo avatars, which take up to 98 MB. */
const ROOM_MB = 100;

test('where memory has room for one avatar each still speaks when it is picked, and running conversations keep theirs', async () => {
  await mkdir(test.info().outputDir, { recursive: true });
  const settings = test.info().outputPath('server.yaml');
  await writeFile(settings, `log: {file: null}\nmedia: {max_memory_mb: ${ROOM_MB}}\n`);
  const server = await Server.start({ settings });
  const figures = async () => {
    const read = (await (await fetch(`${server.url}/figures`)).json()) as Figures;
    const { engine_failures = 0, frames_drawn = 0 } = read.counters;
    return { inMemoryMb: read.gauges.avatars_mb, failures: engine_failures, drawn: frames_drawn };
  };
  /** Waits for mouths that are drawn from now on. */
  const untilDrawn = async () => {
    const before = (await figures()).drawn;
    await expect.poll(async () => (await figures()).drawn - before, { timeout: 15_000 }).toBeGreaterThan(20);
  };
  expect((await figures()).inMemoryMb).toBeLessThanOrEqual(ROOM_MB);

  const browser = await launchChromium();
  const staying = await Tab.open(browser, server.url);
  await staying.choose('sam');
  await staying.talk();
  await untilDrawn();
  const guest = await Tab.open(browser, server.url);
  await guest.choose('anna');
  await guest.talk();
  await guest.choose('mark');
  await expect
    .poll(async () => (await guest.distanceTo('mark')) < (await guest.distanceTo('anna')) / 2, { timeout: 10_000 })
    .toBe(true);
  expect((await figures()).inMemoryMb).toBeLessThanOrEqual(2 * ROOM_MB);
  await guest.choose('anna');
  await guest.untilFrames(50);

  await staying.page.bringToFront();
  await staying.untilFrames(25);
  expect(await staying.distanceTo('sam')).toBeLessThan((await staying.distanceTo('anna')) / 2);
  await guest.page.close();
  await untilDrawn();
  // Each of them counts a batch whose avatar the engine did not know.
  expect((await figures()).failures).toBe(0);
  expect([...staying.complaints, ...guest.complaints]).toEqual([]);
  await browser.close();
  await server.stop();
});
