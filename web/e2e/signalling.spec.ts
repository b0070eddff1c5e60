import { expect, test } from '@playwright/test';
import { WebSocket } from 'ws';
import { launchChromium, Tab } from './support/chromium.ts';
import { Server } from './support/server.ts';

let server: Server;
test.beforeAll(async () => {
  server = await Server.start();
});
test.afterAll(() => server.stop());

/** What a broken client may send, and the code of the error that it gets. */
const BROKEN: readonly { name: string; text: string; code: string }[] = [
  { name: 'broken JSON', text: '{"type":"get_avatars"', code: 'bad_message' },
  { name: 'a list', text: '[]', code: 'bad_message' },
  { name: 'an unknown type', text: '{"type":"dance"}', code: 'bad_message' },
  { name: 'an unknown avatar', text: '{"type":"select_avatar","avatar_id":"nobody"}', code: 'avatar_not_found' },
  { name: 'a sample without a session', text: '{"type":"play_clip","clip":"hello"}', code: 'no_session' },
  { name: 'broken SDP', text: '{"type":"offer","sdp":"v=0 and then nothing"}', code: 'bad_sdp' },
  { name: 'an offer with no media', text: JSON.stringify({ type: 'offer', sdp: sdpWithoutMedia() }), code: 'no_media' },
];

test('broken messages each get an error and leave the server and the other session untouched', async () => {
  const browser = await launchChromium();
  const tab = await Tab.open(browser, server.url);
  await tab.talk();
  const client = await Client.open(server.url);
  for (const { name, text, code } of BROKEN) {
    const answer = await client.ask(text);
    expect(answer, name).toMatchObject({ type: 'error', code });
    expect(answer.message, name).toEqual(expect.any(String));
  }
  expect(await client.ask('{"type":"get_avatars"}')).toMatchObject({ type: 'avatars' });
  client.close();
  expect(await server.sessions()).toBe(1);
  await tab.untilFrames(25);
  expect(tab.complaints).toEqual([]);
  await browser.close();
});

test('an unknown avatar is named in the words of the protocol', async () => {
  const client = await Client.open(server.url);
  const answer = await client.ask('{"type":"select_avatar","avatar_id":"nobody"}');
  expect(answer.message).toBe('Avatar nobody not found');
  client.close();
});

test('a message of 1 MB gets an error and leaves the other session untouched', async () => {
  const browser = await launchChromium();
  const tab = await Tab.open(browser, server.url);
  await tab.talk();
  const client = await Client.open(server.url);
  const answer = await client.ask(JSON.stringify({ type: 'offer', sdp: 'x'.repeat(1_000_000) }));
  expect(answer).toMatchObject({ type: 'error', code: 'message_too_large' });
  client.close();
  expect(await server.sessions()).toBe(1);
  await tab.untilFrames(25);
  await browser.close();
});

/** A client of the protocol that is not a browser. */
class Client {
  readonly #socket: WebSocket;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  static async open(url: string): Promise<Client> {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/ws`);
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
    return new Client(socket);
  }

  /** Sends a text and gives the next answer. */
  async ask(text: string): Promise<{ type: string; code?: string; message?: string }> {
    const answer = new Promise<string>((resolve, reject) => {
      const limit = setTimeout(() => reject(new Error(`no answer to ${text.slice(0, 80)}`)), 5000);
      this.#socket.once('message', (data) => {
        clearTimeout(limit);
        resolve(String(data));
      });
    });
    this.#socket.send(text);
    return JSON.parse(await answer);
  }

  close(): void {
    this.#socket.close();
  }
}

function sdpWithoutMedia(): string {
  return ['v=0', 'o=- 1 2 IN IP4 127.0.0.1', 's=-', 't=0 0', ''].join('\r\n');
}
