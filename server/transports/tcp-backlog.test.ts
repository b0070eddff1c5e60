import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { type RTCIceTransport, TcpPassiveProtocol } from 'werift';
import { boundTcpBacklog, MAX_BACKLOG_BYTES } from './tcp-backlog.ts';

test('what waits for a viewer that does not read its TCP socket is bounded', async (t) => {
  const protocol = new TcpPassiveProtocol();
  t.after(() => protocol.close());
  await protocol.connectionMade('127.0.0.1');
  boundTcpBacklog({ connection: { protocols: [protocol] } } as unknown as RTCIceTransport);
  const { server } = protocol as unknown as { server: NodeJS.EventEmitter };
  const viewer = connect(protocol.listeningPort, '127.0.0.1').pause();
  t.after(() => viewer.destroy());
  const [socket] = await once(server, 'connection');

  const packet = Buffer.alloc(1200);
  let mostBytes = 0;
  for (let i = 0; i < 20_000; i += 1) {
    void protocol.sendData(packet, [socket.remoteAddress, socket.remotePort]).catch(() => {});
    if (i % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
    mostBytes = Math.max(mostBytes, socket.writableLength);
  }
  assert.ok(mostBytes > MAX_BACKLOG_BYTES / 2, `the socket did fill: ${mostBytes} bytes waited`);
  assert.ok(mostBytes <= MAX_BACKLOG_BYTES + 101 * 1300, `${mostBytes} bytes waited`);
});
