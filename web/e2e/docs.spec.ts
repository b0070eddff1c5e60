import { type Browser, expect, test } from '@playwright/test';
import { launchChromium, Tab } from './support/chromium.ts';
import { Server } from './support/server.ts';

let server: Server;
let browser: Browser;
test.beforeAll(async () => {
  server = await Server.start();
  browser = await launchChromium();
});
test.afterAll(async () => {
  await browser.close();
  await server.stop();
});

test('/docs shows every interface, tries them out, and asks no other server for anything', async () => {
  const tab = await Tab.open(browser, 'about:blank');
  const foreign: string[] = [];
  tab.page.on('request', (request) => {
    if (!request.url().startsWith(server.url) && !request.url().startsWith('data:')) foreign.push(request.url());
  });
  const response = await tab.page.goto(`${server.url}/docs`);
  expect(response?.headers()['content-security-policy']).toContain("script-src 'self';");
  await expect(tab.page.getByRole('heading', { name: /musecast/ })).toBeVisible({ timeout: 20_000 });
  const operation = tab.page.locator('#operations-avatars-listAvatars');
  await operation.click();
  await operation.getByRole('button', { name: 'Try it out' }).click();
  await operation.getByRole('button', { name: 'Execute' }).click();
  await expect(operation.locator('.live-responses-table')).toContainText('audio_clips', { timeout: 10_000 });
  expect(foreign).toEqual([]);
  expect(tab.complaints).toEqual([]);
  await tab.page.close();
});
