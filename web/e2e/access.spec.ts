import { writeFile } from 'node:fs/promises';
import { type Browser, expect, test } from '@playwright/test';
import { hashOfKey, makeApiKey } from '../../server/http/access/api-key.ts';
import { launchChromium, Tab } from './support/chromium.ts';
import { Server } from './support/server.ts';

const KEY = makeApiKey();
const VIEW_KEY = makeApiKey();

let server: Server;
let browser: Browser;
test.beforeAll(async () => {
  const settings = test.info().outputPath('server.yaml');
  const entry = (id: string, key: string, scope: string) => `{id: ${id}, sha256: ${hashOfKey(key)}, scope: ${scope}}`;
  const keys = `[${entry('guest', KEY, 'speak')}, ${entry('onlooker', VIEW_KEY, 'view')}]`;
  await writeFile(settings, `log: {file: null, level: debug}\naccess: {required: true, keys: ${keys}}\n`);
  server = await Server.start({ settings });
  browser = await launchChromium();
});
test.afterAll(async () => {
  await browser.close();
  await server.stop();
});

test('a server with keys asks for one, says what is wrong with it, and opens with the right one for the life of the tab', async () => {
  const tab = await Tab.open(browser, server.url);
  const dialog = tab.page.getByRole('dialog', { name: 'This door has a key' });
  await expect(dialog).toBeVisible();
  await expect(dialog.getByLabel('Key')).toBeFocused();
  await tab.page.keyboard.press('Escape');
  await tab.page.keyboard.press('Escape');
  await expect(dialog).toBeVisible();

  await dialog.getByLabel('Key').fill(makeApiKey());
  await dialog.getByRole('button', { name: 'Open' }).click();
  await expect(dialog.getByRole('alert')).toContainText('not good here');
  await dialog.getByLabel('Key').fill(VIEW_KEY);
  await tab.page.keyboard.press('Enter');
  await expect(dialog.getByRole('alert')).toContainText('only lets you look on');
  await dialog.getByLabel('Key').fill(`  ${KEY} `);
  await tab.page.keyboard.press('Enter');
  await expect(dialog).toBeHidden();
  await tab.untilState('idle');
  await expect(tab.page.locator('#portrait')).toHaveJSProperty('naturalWidth', 512);
  await tab.talk();

  await tab.page.reload();
  await tab.untilState('idle');
  await expect(dialog).toBeHidden();
  expect(tab.complaints).toEqual([]);
  await tab.page.close();
});

test('an invitation with a key behind the # opens the page, and the key leaves the address', async () => {
  const context = await browser.newContext();
  const asked: string[] = [];
  const tab = await Tab.open(context, 'about:blank');
  tab.page.on('request', (request) => asked.push(request.url()));
  tab.page.on('websocket', (socket) => asked.push(socket.url()));
  await tab.page.goto(`${server.url}/#access_token=${KEY}`);
  await tab.talk();
  expect(tab.page.url()).toBe(`${server.url}/`);
  expect(asked.some((url) => url.includes('/ws?access_token='))).toBe(true);
  expect(asked.filter((url) => url.includes(KEY) && !url.includes('#'))).toEqual([]);
  await context.close();
  expect(server.log).not.toContain(KEY);
  expect(server.log).not.toContain('access_token');
});
