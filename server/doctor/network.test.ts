import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { defaultSettings } from '../config/config.ts';
import { examineNetwork } from './network.ts';
import { askIceServer, readIceAddress } from './stun.ts';

const { http, webrtc } = defaultSettings();
const AT_HOME = { http: { ...http, host: '127.0.0.1', port: 0 }, webrtc };

async function udpSocket(t: TestContext): Promise<{ socket: Socket; port: number }> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  t.after(() => socket.close());
  return { socket, port: socket.address().port };
}

test('free ports are good, and that no STUN server is configured is a note', async () => {
  const findings = await examineNetwork(AT_HOME);
  assert.deepEqual(
    findings.map(({ name, verdict }) => [name, verdict]),
    [
      ['HTTP port', 'good'],
      ['UDP ports', 'good'],
      ['STUN and TURN', 'note'],
    ],
  );
});

test('an HTTP port that is taken is bad', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const address = server.address();
  assert.ok(address && typeof address === 'object');
  const [finding] = await examineNetwork({ ...AT_HOME, http: { ...AT_HOME.http, port: address.port } });
  assert.equal(finding.verdict, 'bad');
  assert.match(finding.found, new RegExp(`^Port ${address.port} of 127\\.0\\.0\\.1 cannot be opened: another program`));
});

test('a range of UDP ports of which some are taken is a note with their numbers', async (t) => {
  const { port } = await udpSocket(t);
  const portRange = [port, port + 1] as const;
  const findings = await examineNetwork({ ...AT_HOME, webrtc: { ...webrtc, portRange } });
  const udp = findings.find(({ name }) => name === 'UDP ports');
  assert.notEqual(udp?.verdict, 'good');
  assert.match(udp?.found ?? '', new RegExp(`^${port} to ${port + 1}: \\d of 2 tried cannot be opened \\(${port}`));
});

test('servers that answer are good, those that do not are bad, and what is no address is told', async () => {
  const iceServers = [
    { urls: ['stun:a.example.org', 'turns:b.example.org?transport=tcp'], username: null, credential: null },
    { urls: 'stun:c.example.org:19302', username: null, credential: null },
    { urls: 'stun:[half', username: null, credential: null },
  ];
  const findings = await examineNetwork({ ...AT_HOME, webrtc: { ...webrtc, iceServers } }, async ({ host }) =>
    host === 'c.example.org' ? 'no answer within 3000 ms' : null,
  );
  assert.deepEqual(
    findings.slice(2).map(({ verdict, found }) => [verdict, found]),
    [
      ['good', 'answers'],
      ['good', 'answers; its password is tried by the first viewer'],
      ['bad', 'does not answer (no answer within 3000 ms)'],
      ['bad', 'it is no stun:, stuns:, turn: or turns: address'],
    ],
  );
});

test('addresses are read with the ports and transports of their schemes', () => {
  assert.deepEqual(readIceAddress('stun:a.example.org'), { host: 'a.example.org', port: 3478, transport: 'udp' });
  assert.deepEqual(readIceAddress('turns:a.example.org'), { host: 'a.example.org', port: 5349, transport: 'tcp' });
  assert.deepEqual(readIceAddress('turn:[::1]:99?transport=tcp'), { host: '::1', port: 99, transport: 'tcp' });
  assert.equal(readIceAddress('http://a.example.org'), null);
});

test('a server that answers a binding request is there, and strangers’ packets do not count', async (t) => {
  const { socket, port } = await udpSocket(t);
  socket.once('message', (request, { port: asker }) => {
    assert.equal(request.readUInt16BE(0), 1);
    const stranger = Buffer.from(request);
    stranger.writeUInt16BE(0x0101, 0);
    stranger[8] ^= 1;
    const answer = Buffer.from(request);
    answer.writeUInt16BE(0x0101, 0);
    socket.send(stranger, asker, '127.0.0.1');
    socket.send(answer, asker, '127.0.0.1');
  });
  assert.equal(await askIceServer({ host: '127.0.0.1', port, transport: 'udp' }, 5000), null);
});

test('a server that is silent is asked three times, and then given up', async (t) => {
  const { socket, port } = await udpSocket(t);
  let asked = 0;
  socket.on('message', () => asked++);
  const reason = await askIceServer({ host: '127.0.0.1', port, transport: 'udp' }, 60);
  assert.equal(reason, 'no answer within 60 ms');
  assert.equal(asked, 3);
});

test('over TCP a server is there if it can be connected to', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(address && typeof address === 'object');
  const there = { host: '127.0.0.1', port: address.port, transport: 'tcp' } as const;
  assert.equal(await askIceServer(there, 5000), null);
  t.after(() => server.close());
  assert.match((await askIceServer({ ...there, port: 1 }, 5000)) ?? '', /ECONNREFUSED/);
});
