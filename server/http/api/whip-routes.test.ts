import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { OpusEncoder } from '../../codecs/opus-encoder.ts';
import { type ApiAnswer, type ApiRig, type ApiRigOptions, openApiRig } from '../../testing/api-rig.ts';
import { type ClientEvents, type ClientOptions, WebRtcClient } from '../../transports/webrtc-client.ts';

const FRAGMENT = 'application/trickle-ice-sdpfrag';
const VIEWER: ClientOptions = { audio: 'recvonly', videoCodecs: ['H264'] };
const PUBLISHER: ClientOptions = { audio: 'sendonly', videoCodecs: [] };

let rig: ApiRig;
const clients: WebRtcClient[] = [];
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
  await rig.close();
});

async function open(options: ApiRigOptions = {}): Promise<void> {
  rig = await openApiRig(options);
}

/** Posts the offer of a new client to `path` and connects it. */
async function connect(path: string, options: ClientOptions, events: ClientEvents = {}, as?: string) {
  const client = new WebRtcClient(options, events);
  clients.push(client);
  let answer: ApiAnswer | null = null;
  let offerSdp = '';
  await client.connect(async (sdp) => {
    offerSdp = sdp;
    answer = await rig.ask('POST', path, { body: sdp, as });
    assert.equal(answer.status, 201, answer.text);
    return answer.text;
  });
  const { headers, text } = answer!;
  return {
    client,
    offerSdp,
    answerSdp: text,
    url: headers.get('location') ?? '',
    etag: headers.get('etag') ?? '',
    headers,
  };
}

async function createSession(as?: string): Promise<string> {
  return String((await rig.ask('POST', '/api/sessions', { body: {}, as })).body.id);
}

/** Waits until `holds`, for things that have no event of their own. */
const WAIT_LIMIT_MS = 20_000;

async function until(holds: () => boolean): Promise<void> {
  for (const endMs = performance.now() + WAIT_LIMIT_MS; !holds(); ) {
    assert.ok(performance.now() < endMs, `still not after ${WAIT_LIMIT_MS} ms: ${holds}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Sends a loud tone, 20 ms after 20 ms, until `holds`. */
async function speakUntil(client: WebRtcClient, holds: () => boolean): Promise<void> {
  const encoder = await OpusEncoder.open({ bitrateBps: 32_000 });
  const chunk = Float32Array.from({ length: 960 }, (_, i) => 0.5 * Math.sin((2 * Math.PI * 300 * i) / 48_000));
  for (let i = 0; !holds(); i += 1) {
    assert.ok(i * 20 < WAIT_LIMIT_MS, `still not after ${WAIT_LIMIT_MS} ms: ${holds}`);
    client.sendSound(encoder.encode(chunk, i * 960).data);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  encoder.close();
}

test('two viewers of one session share every encode, and one that leaves does not disturb the other', async () => {
  await open();
  const id = await createSession();
  const seen = [0, 0];
  const viewers = [];
  for (const viewer of [0, 1]) {
    const onVideoFrame = () => {
      seen[viewer] += 1;
    };
    viewers.push(await connect(`/api/sessions/${id}/whep`, VIEWER, { onVideoFrame }));
  }
  await until(() => seen.every((count) => count >= 20));
  assert.equal(new Set(rig.encoders.frames).size, rig.encoders.frames.length, 'no frame is encoded twice');
  assert.equal(rig.encoders.videosOpened, 1);
  const { body } = await rig.ask('GET', `/api/sessions/${id}`);
  assert.deepEqual([body.state, body.connections], ['live', 2]);
  assert.equal((await rig.ask('DELETE', viewers[0].url)).status, 200);
  assert.equal((await rig.ask('GET', `/api/sessions/${id}`)).body.connections, 1);
  const then = seen[1];
  await until(() => seen[1] > then + 10);
  assert.equal((await rig.ask('DELETE', viewers[1].url)).status, 200);
  assert.equal((await rig.ask('DELETE', viewers[1].url)).status, 404);
  assert.equal((await rig.ask('GET', `/api/sessions/${id}`)).body.connections, 0);
});

test('a microphone that is published over WHIP is heard by a WHEP viewer, and the avatar talks', async () => {
  await open();
  const publisher = await connect('/api/whip?avatar_id=bert', PUBLISHER);
  const [, id] = /^\/api\/sessions\/([\w-]+)\/connections\/[\w-]+$/.exec(publisher.url) ?? [];
  assert.equal((await rig.ask('GET', `/api/sessions/${id}`)).body.avatar_id, 'bert');
  assert.equal(rig.registry.get(String(id)).owner?.door, 'whip');
  let loudest = 0;
  const onSound = ({ payload }: { payload: Uint8Array }) => {
    loudest = Math.max(loudest, payload.byteLength);
  };
  await connect(`/api/sessions/${id}/whep`, VIEWER, { onSound });
  // Silence is a few bytes an Opus packet, a tone is many.
  await speakUntil(publisher.client, () => loudest > 40 && rig.registry.get(String(id)).figures().talking);
});

test('a second publisher takes the place of the first', async () => {
  await open();
  const id = await createSession();
  let firstEnded = '';
  const first = await connect(`/api/sessions/${id}/whip`, PUBLISHER, {
    onClosed: (reason) => {
      firstEnded = reason;
    },
  });
  const second = await connect(`/api/sessions/${id}/whip`, PUBLISHER);
  await until(() => firstEnded !== '');
  assert.equal((await rig.ask('DELETE', first.url)).status, 404);
  assert.equal((await rig.ask('DELETE', second.url)).status, 200);
});

test('candidates are trickled with the ETag; without one, with a wrong one, or with nonsense they are refused', async () => {
  await open();
  const id = await createSession();
  const { url, etag, offerSdp } = await connect(`/api/sessions/${id}/whep`, VIEWER);
  assert.match(etag, /^"[\w-]+"$/);
  const patch = (body: string, headers: Record<string, string> = {}, type = FRAGMENT) =>
    rig.ask('PATCH', url, { body, type, headers });
  const fragment = fragmentOfOffer(offerSdp);
  assert.equal((await patch(fragment, { 'if-match': etag })).status, 204);
  for (const [answer, status, code] of [
    [await patch(fragment), 428, 'precondition_required'],
    [await patch(fragment, { 'if-match': '"old"' }), 412, 'precondition_failed'],
    [await patch('nonsense', { 'if-match': etag }), 400, 'bad_sdp'],
    [await patch(fragment, { 'if-match': etag }, 'application/sdp'), 415, 'unsupported_media'],
  ] as const) {
    assert.deepEqual([answer.status, answer.body.code], [status, code]);
  }
});

test('an ICE restart gets a fragment with new parameters and a new ETag, and the picture goes on', async () => {
  await open();
  const id = await createSession();
  let frames = 0;
  const viewer = await connect(`/api/sessions/${id}/whep`, VIEWER, {
    onVideoFrame: () => {
      frames += 1;
    },
  });
  await until(() => frames > 5);
  let told: ApiAnswer | null = null;
  await viewer.client.restart(async (offerSdp) => {
    told = await rig.ask('PATCH', viewer.url, {
      body: fragmentOfOffer(offerSdp),
      type: FRAGMENT,
      headers: { 'if-match': '*' },
    });
    assert.equal(told.status, 200, told.text);
    const { ufrag, password } = parametersOf(told.text);
    assert.notEqual(ufrag, parametersOf(viewer.answerSdp).ufrag);
    return viewer.answerSdp
      .replace(/^a=ice-ufrag:.*$/gm, `a=ice-ufrag:${ufrag}`)
      .replace(/^a=ice-pwd:.*$/gm, `a=ice-pwd:${password}`);
  });
  const { headers } = told!;
  assert.equal(headers.get('content-type'), FRAGMENT);
  assert.notEqual(headers.get('etag'), viewer.etag);
  const stale = await rig.ask('PATCH', viewer.url, {
    body: fragmentOfOffer(viewer.offerSdp),
    type: FRAGMENT,
    headers: { 'if-match': viewer.etag },
  });
  assert.equal(stale.status, 412);
  const before = frames;
  await until(() => frames > before + 20);
});

test('an offer that is none is refused in words, and leaves no session behind', async () => {
  await open();
  const id = await createSession();
  for (const path of ['/api/whip', `/api/sessions/${id}/whip`, `/api/sessions/${id}/whep`]) {
    for (const [body, type, status] of [
      ['nonsense', 'application/sdp', 400],
      ['', 'application/sdp', 400],
      ['{}', 'application/json', 415],
      ['v=0', 'text/plain', 415],
    ] as const) {
      const answer = await rig.ask('POST', path, { body, type });
      assert.equal(answer.status, status, `${path} ${type} ${body}: ${answer.text}`);
    }
  }
  assert.equal(rig.registry.size, 1);
});

test('methods that are kept for later are refused, OPTIONS says what may be posted, and relays are told as links', async () => {
  const turn = { urls: 'turn:turn.example.org', username: 'u"1', credential: 'geheim\r\nx: y' };
  await open({ iceServers: [{ urls: 'stun:stun.example.org' }, turn] });
  const id = await createSession();
  for (const method of ['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE']) {
    const { status, headers } = await rig.ask(method, `/api/sessions/${id}/whep`);
    assert.deepEqual([status, headers.get('allow')], [405, 'POST, OPTIONS'], method);
  }
  const options = await rig.ask('OPTIONS', '/api/whip');
  assert.deepEqual([options.status, options.headers.get('accept-post')], [204, 'application/sdp']);
  const { headers } = await connect(`/api/sessions/${id}/whep`, VIEWER);
  assert.equal(
    headers.get('link'),
    '<stun:stun.example.org>; rel="ice-server", <turn:turn.example.org>; rel="ice-server"; username="u\\"1"; credential="geheimx: y"; credential-type="password"',
  );
});

test('a page of a configured site may publish and view: preflights are answered and what it needs is shown to it', async () => {
  await open({ corsOrigins: ['https://good.example'], keys: [{ id: 'one', scope: 'speak' }] });
  const origin = 'https://good.example';
  const preflight = await rig.ask('OPTIONS', '/api/whip', {
    headers: {
      origin,
      'access-control-request-method': 'PATCH',
      'access-control-request-headers': 'authorization,if-match',
    },
  });
  assert.equal(preflight.status, 204);
  assert.equal(preflight.headers.get('access-control-allow-origin'), origin);
  assert.match(preflight.headers.get('access-control-allow-methods') ?? '', /PATCH/);
  const answer = await rig.ask('GET', '/api/sessions', { headers: { origin } });
  assert.equal(answer.status, 401);
  assert.equal(answer.headers.get('access-control-allow-origin'), origin);
  assert.match(answer.headers.get('access-control-expose-headers') ?? '', /location, etag, link/);
});

test('a token that only looks on, bound to one session, views that session and does nothing else', async () => {
  await open({ keys: [{ id: 'one', scope: 'speak' }] });
  const id = await createSession('one');
  const other = await createSession('one');
  const order = { scope: 'view', session_id: id };
  const token = String((await rig.ask('POST', '/api/tokens', { as: 'one', body: order })).body.token);
  const viewer = await connect(`/api/sessions/${id}/whep`, VIEWER, {}, token);
  assert.equal((await rig.ask('POST', `/api/sessions/${id}/whip`, { as: token, body: 'v=0' })).status, 403);
  assert.equal((await rig.ask('POST', `/api/sessions/${other}/whep`, { as: token, body: 'v=0' })).status, 404);
  assert.equal((await rig.ask('DELETE', `/api/sessions/${id}`, { as: token })).status, 403);
  assert.equal((await rig.ask('DELETE', viewer.url)).status, 401);
  assert.equal((await rig.ask('DELETE', viewer.url, { as: token })).status, 200);
});

function fragmentOfOffer(sdp: string): string {
  const { ufrag, password } = parametersOf(sdp);
  const candidates = [...sdp.matchAll(/^a=candidate:.*$/gm)].map(([line]) => line.trim());
  return ['a=ice-ufrag:', ufrag, '\r\na=ice-pwd:', password, '\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n']
    .join('')
    .concat(candidates.map((line) => `${line}\r\n`).join(''), 'a=end-of-candidates\r\n');
}

function parametersOf(sdp: string): { ufrag: string; password: string } {
  return {
    ufrag: /^a=ice-ufrag:(\S+)/m.exec(sdp)?.[1] ?? '',
    password: /^a=ice-pwd:(\S+)/m.exec(sdp)?.[1] ?? '',
  };
}
