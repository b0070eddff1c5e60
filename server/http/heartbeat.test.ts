import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import { WebSocket } from 'ws';
import { Heartbeat } from './heartbeat.ts';

/** A socket that keeps count of what is done to it. */
function fakeSocket() {
  const counts = { pings: 0, terminated: 0 };
  const socket: WebSocket = Object.assign(Object.create(WebSocket.prototype), {
    ping: () => {
      counts.pings += 1;
    },
    terminate: () => {
      counts.terminated += 1;
      socket.emit('close');
    },
  });
  EventEmitter.call(socket);
  return { socket, counts };
}

function rig() {
  const time = { nowMs: 0 };
  const heartbeat = new Heartbeat(() => time.nowMs);
  const { socket, counts } = fakeSocket();
  heartbeat.watch(socket);
  const passSeconds = (seconds: number) => {
    for (let i = 0; i < seconds; i += 1) {
      time.nowMs += 1000;
      heartbeat.tick();
    }
  };
  return { heartbeat, socket, counts, passSeconds };
}

test('a socket is pinged every five seconds', () => {
  const { heartbeat, socket, counts, passSeconds } = rig();
  socket.on('newListener', () => {});
  for (let i = 0; i < 4; i += 1) {
    passSeconds(5);
    socket.emit('pong');
  }
  assert.deepEqual(counts, { pings: 4, terminated: 0 });
  heartbeat.close();
});

test('a socket that is silent is terminated within 15 seconds, once', () => {
  const { heartbeat, counts, passSeconds } = rig();
  passSeconds(11);
  assert.equal(counts.terminated, 0);
  passSeconds(4);
  assert.equal(counts.terminated, 1);
  passSeconds(30);
  assert.equal(counts.terminated, 1);
  heartbeat.close();
});

test('a message is a sign of life as good as a pong', () => {
  const { heartbeat, socket, counts, passSeconds } = rig();
  for (let i = 0; i < 5; i += 1) {
    passSeconds(10);
    socket.emit('message', Buffer.from('{}'), false);
  }
  assert.equal(counts.terminated, 0);
  heartbeat.close();
});
