import { readdirSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Browser, expect, type Locator, test } from '@playwright/test';
import { hashOfKey, makeApiKey } from '../../server/http/access/api-key.ts';
import { launchChromium, Tab } from './support/chromium.ts';
import { Server } from './support/server.ts';

const FACE = join(import.meta.dirname, '../../avatars/anna/portrait.png');
/** From pressing the button to a face that can be used, in ms; a busy machine takes longer than the two seconds that it needs. */
const PREPARED_MS = 30_000;

let server: Server;
let browser: Browser;
let folder: string;
let settings: string;
test.beforeAll(async () => {
  folder = test.info().outputPath('own');
  settings = test.info().outputPath('server.yaml');
  await mkdir(test.info().outputDir, { recursive: true });
  await writeFile(settings, `log: {file: null}\nmedia: {own_folder: ${folder}}\n`);
  server = await Server.start({ settings });
  browser = await launchChromium();
});
test.afterAll(async () => {
  await browser.close();
  await server.stop();
});

/** What is kept of faces that were brought in. */
function kept(): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

async function openDialog(tab: Tab): Promise<Locator> {
  await tab.untilState('idle');
  await tab.page.getByRole('button', { name: 'Your own' }).click();
  const dialog = tab.page.locator('#own-dialog');
  await expect(dialog).toBeVisible();
  return dialog;
}

/** Fills in the promise and sends. */
async function send(dialog: Locator, name = 'Eva'): Promise<void> {
  await dialog.getByLabel('Name below the face').fill(name);
  await dialog.getByRole('checkbox').check();
  await dialog.getByLabel('Your name').fill('Eva Maria');
  await dialog.getByRole('button', { name: 'Make it speak' }).click();
}

async function expectRefusal(dialog: Locator, words: RegExp): Promise<void> {
  await expect(dialog.getByRole('heading')).toHaveText('That does not work', { timeout: PREPARED_MS });
  await expect(dialog.getByRole('status')).toHaveText(words);
  expect(kept()).toEqual([]);
}

test('a photo becomes a face that is picked, speaks, is there after a restart, gets another name and is deleted', async () => {
  test.setTimeout(120_000);
  const tab = await Tab.open(browser, server.url);
  const dialog = await openDialog(tab);
  await dialog.locator('#own-file').setInputFiles(FACE);
  await expect(dialog.locator('#own-preview img')).toHaveJSProperty('naturalWidth', 512);
  await send(dialog);
  await expect(dialog.locator('#own-progress')).toBeVisible();
  await expect(dialog.getByRole('heading')).toHaveText('There you are', { timeout: PREPARED_MS });
  await expect(dialog.locator('#own-portrait')).toHaveJSProperty('naturalWidth', 512);
  await dialog.getByRole('button', { name: 'Use this face' }).click();
  await expect(tab.page.getByRole('heading', { level: 1 })).toHaveText('Eva');
  await expect(tab.page.getByRole('radio', { name: 'Eva' })).toBeChecked();
  await tab.talk();
  await tab.untilFrames(25);
  const mouths = await tab.watch(4000);
  expect(Math.max(...mouths.map(({ motion }) => motion))).toBeGreaterThan(0);
  await tab.page.locator('#talk').click();
  await tab.untilState('idle');
  expect(tab.complaints).toEqual([]);

  const [id] = kept();
  const record = JSON.parse(await readFile(join(folder, id, 'avatar.json'), 'utf8'));
  expect(record.consent.by).toBe('Eva Maria');
  await server.stop();
  server = await Server.start({ settings, port: server.port });
  await tab.page.reload();
  // The page has missed the server, as it should.
  tab.complaints.length = 0;
  await expect(tab.page.getByRole('heading', { level: 1 })).toHaveText('Eva', { timeout: PREPARED_MS });

  await tab.page.getByRole('button', { name: 'Change Eva' }).click();
  const edit = tab.page.getByRole('dialog', { name: 'Change Eva' });
  await edit.getByLabel('Name below the face').fill('Eve');
  await tab.page.keyboard.press('Enter');
  await expect(tab.page.getByRole('heading', { level: 1 })).toHaveText('Eve');
  await tab.page.getByRole('button', { name: 'Change Eve' }).click();
  await tab.page.getByRole('button', { name: 'Delete this face' }).click();
  await tab.page.getByRole('button', { name: 'Really delete' }).click();
  await expect(tab.page.getByRole('heading', { level: 1 })).toHaveText('Sam');
  await expect(tab.page.getByRole('radio', { name: 'Eve' })).toHaveCount(0);
  expect(kept()).toEqual([]);
  expect(tab.complaints).toEqual([]);
  await tab.page.close();
});

test('without a name, a promise and somebody who gives it nothing is sent, and the page says what is missing', async () => {
  const tab = await Tab.open(browser, server.url);
  const dialog = await openDialog(tab);
  await dialog.locator('#own-file').setInputFiles(FACE);
  const submit = dialog.getByRole('button', { name: 'Make it speak' });
  await submit.click();
  await expect(dialog.getByRole('alert')).toHaveText(/a name/);
  await expect(dialog.getByLabel('Name below the face')).toBeFocused();
  await dialog.getByLabel('Name below the face').fill('Eva');
  await submit.click();
  await expect(dialog.getByRole('alert')).toHaveText(/without having agreed/);
  await dialog.getByRole('checkbox').check();
  await submit.click();
  await expect(dialog.getByRole('alert')).toHaveText(/who you are/);
  await tab.page.keyboard.press('Escape');
  await expect(dialog).toBeHidden();
  expect(kept()).toEqual([]);
  await tab.page.close();
});

test('a text that is called a picture has a message of its own, and nothing is kept of it', async () => {
  const tab = await Tab.open(browser, server.url);
  const dialog = await openDialog(tab);
  await dialog
    .locator('#own-file')
    .setInputFiles({ name: 'me.png', mimeType: 'image/png', buffer: Buffer.from('I am a text.') });
  await expect(dialog.getByRole('status')).toContainText('cannot show me.png');
  await send(dialog);
  await expectRefusal(dialog, /file of another kind/);
  await dialog.getByRole('button', { name: 'Another picture' }).click();
  await expect(dialog.getByRole('heading')).toHaveText('Your own face');
  await tab.page.close();
});

test('a picture without a face, dropped on the page, is refused with that reason', async () => {
  const tab = await Tab.open(browser, server.url);
  await tab.untilState('idle');
  await tab.page.evaluate(`(async () => {
    const canvas = new OffscreenCanvas(640, 480);
    const context = canvas.getContext('2d');
    context.fillStyle = '#c9b99a';
    context.fillRect(0, 0, 640, 480);
    const files = new DataTransfer();
    files.items.add(new File([await canvas.convertToBlob()], 'wall.png', { type: 'image/png' }));
    document.body.dispatchEvent(new DragEvent('dragover', { dataTransfer: files, bubbles: true, cancelable: true }));
    document.body.dispatchEvent(new DragEvent('drop', { dataTransfer: files, bubbles: true, cancelable: true }));
  })()`);
  const dialog = tab.page.locator('#own-dialog');
  await expect(dialog.getByRole('heading')).toHaveText('Who is this?');
  await expect(tab.page.locator('.is-dropping')).toHaveCount(0);
  await send(dialog, 'Wall');
  await expectRefusal(dialog, /face/);
  expect(tab.complaints).toEqual([]);
  await tab.page.close();
});

test('a picture of one pixel and a film that breaks off each have a message of their own', async () => {
  const film = (await readFile(join(import.meta.dirname, '../../avatars/anna/idle_0.mp4'))).subarray(0, 20_000);
  const pixel = Buffer.from(
    'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==',
    'base64',
  );
  const tab = await Tab.open(browser, server.url);
  const dialog = await openDialog(tab);
  const messages = new Set<string>();
  for (const [name, mimeType, buffer] of [
    ['pixel.png', 'image/png', pixel],
    ['film.mp4', 'video/mp4', film],
  ] as const) {
    await dialog.locator('#own-file').setInputFiles({ name, mimeType, buffer });
    await send(dialog);
    await expectRefusal(dialog, /\S/);
    messages.add(await dialog.getByRole('status').innerText());
    await dialog.getByRole('button', { name: 'Another picture' }).click();
  }
  expect(messages.size).toBe(2);
  await tab.page.close();
});

test('a picture of two people works, and the page says whose face was taken and what to do', async () => {
  const tab = await Tab.open(browser, server.url);
  const dialog = await openDialog(tab);
  const two = await tab.page.evaluate<string>(`(async () => {
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [1024, 512];
    for (const [at, id] of ['sam', 'anna'].entries()) {
      const face = Object.assign(new Image(), { src: '/avatars/' + id + '/portrait' });
      await face.decode();
      canvas.getContext('2d').drawImage(face, 512 * at, 0, 512, 512);
    }
    return canvas.toDataURL('image/jpeg', 0.95).split(',')[1];
  })()`);
  const buffer = Buffer.from(two, 'base64');
  await dialog.locator('#own-file').setInputFiles({ name: 'two.jpg', mimeType: 'image/jpeg', buffer });
  await send(dialog, 'Two');
  await expect(dialog.getByRole('heading')).toHaveText('There you are', { timeout: PREPARED_MS });
  await expect(dialog.getByRole('status')).toContainText('could be better');
  await expect(dialog.getByRole('list')).toContainText(/faces/);
  await tab.page.screenshot({ path: test.info().outputPath('two.png') });
  await tab.page.keyboard.press('Escape');
  await expect.poll(kept).toEqual([]);
  expect(tab.complaints).toEqual([]);
  await tab.page.close();
});

test('the camera takes a picture of what it sees, and is off when the dialog is closed', async () => {
  const tab = await Tab.open(browser, server.url);
  const dialog = await openDialog(tab);
  await dialog.getByRole('button', { name: 'Take a photo' }).click();
  await dialog.getByRole('button', { name: 'Take the photo' }).click();
  await expect(dialog.getByRole('heading')).toHaveText('Who is this?');
  await expect
    .poll(() => dialog.locator('#own-preview img').evaluate((image: { naturalWidth: number }) => image.naturalWidth))
    .toBeGreaterThan(100);
  expect(await tab.page.evaluate("document.getElementById('own-viewfinder').srcObject")).toBe(null);
  await dialog.getByRole('button', { name: 'Another picture' }).click();
  await dialog.getByRole('button', { name: 'Take a photo' }).click();
  await expect(dialog.getByRole('button', { name: 'Take the photo' })).toBeEnabled();
  await tab.page.keyboard.press('Escape');
  await expect.poll(() => tab.page.evaluate("document.getElementById('own-viewfinder').srcObject")).toBe(null);
  expect(tab.complaints).toEqual([]);
  await tab.page.close();
});

test('a face that is cancelled on its way, or not liked in the end, leaves nothing behind', async () => {
  const tab = await Tab.open(browser, server.url);
  const dialog = await openDialog(tab);
  await dialog.locator('#own-file').setInputFiles(FACE);
  await send(dialog);
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await expect(dialog).toBeHidden();
  await expect.poll(kept).toEqual([]);

  await openDialog(tab);
  await dialog.locator('#own-file').setInputFiles(FACE);
  await send(dialog);
  await expect(dialog.getByRole('heading')).toHaveText('There you are', { timeout: PREPARED_MS });
  await dialog.getByRole('button', { name: 'Another picture' }).click();
  await expect.poll(kept).toEqual([]);
  await expect(dialog.getByRole('heading')).toHaveText('Your own face');
  expect(tab.complaints).toEqual([]);
  await tab.page.close();
});

test('who may speak but not change the server is offered no face of their own', async () => {
  const [guest, admin] = [makeApiKey(), makeApiKey()];
  const guarded = test.info().outputPath('guarded.yaml');
  const keys = [
    `{id: guest, sha256: ${hashOfKey(guest)}, scope: speak}`,
    `{id: root, sha256: ${hashOfKey(admin)}, scope: admin}`,
  ];
  const media = `media: {own_folder: ${test.info().outputPath('own')}}`;
  await writeFile(guarded, `log: {file: null}\naccess: {required: true, keys: [${keys.join(', ')}]}\n${media}\n`);
  const own = await Server.start({ settings: guarded });
  const tab = await Tab.open(browser, `${own.url}/#access_token=${guest}`);
  await tab.untilState('idle');
  await expect(tab.page.locator('#own-face')).toBeHidden();
  const context = await browser.newContext();
  const root = await Tab.open(context, `${own.url}/#access_token=${admin}`);
  const dialog = await openDialog(root);
  await dialog.locator('#own-file').setInputFiles(FACE);
  await send(dialog);
  await expect(dialog.getByRole('heading')).toHaveText('There you are', { timeout: PREPARED_MS });
  await expect(dialog.locator('#own-portrait')).toHaveJSProperty('naturalWidth', 512);
  await dialog.getByRole('button', { name: 'Use this face' }).click();
  await root.talk();
  expect(root.complaints).toEqual([]);
  await context.close();
  await tab.page.close();
  await own.stop();
});
