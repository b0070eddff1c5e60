import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AddedAvatar } from '../avatar-loading.ts';
import type { Avatar } from '../avatars/avatar.ts';
import { ClipLibrary } from '../clip-library.ts';
import type { Access } from '../http/access/access.ts';
import { serveStreamer } from '../http/streamer/serve-streamer.ts';
import { silentLog } from '../log.ts';
import { MediaFolders } from '../media-folders.ts';
import { FakeGallery, FakePeers, FakeSessions } from './fake-viewers.ts';
import { fakeAvatar } from './fakes.ts';
import { openHttpRig } from './http-rig.ts';
import { ManualTimers } from './manual-timers.ts';
import { wavBytes } from './wav-bytes.ts';

export interface StreamerRigOptions {
  readonly access?: Access;
  readonly capacity?: number;
  readonly patienceMs?: number;
  readonly engineId?: string | null;
  readonly whenStarted?: () => Promise<void>;
  readonly addAvatar?: (avatar: AddedAvatar) => Promise<Avatar>;
}

/**
 * The Streamer's REST with fakes behind it, and a media folder with `sam/hello.wav` (half a second), `sam/talk.mp4` and
 * `sam/broken.wav`, beside a `secret.wav` that is outside of it.
 */
export async function openStreamerRig(options: StreamerRigOptions = {}) {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'streamer-')));
  const media = join(root, 'media');
  mkdirSync(join(media, 'sam'), { recursive: true });
  const hello = wavBytes(Float32Array.from({ length: 24_000 }, (_, n) => 0.5 * Math.sin(n / 10)));
  for (const path of ['media/sam/hello.wav', 'secret.wav']) writeFileSync(join(root, path), hello);
  for (const path of ['media/sam/talk.mp4', 'media/sam/broken.wav']) writeFileSync(join(root, path), 'broken');
  symlinkSync(join(root, 'secret.wav'), join(media, 'linked.wav'));

  const gallery = new FakeGallery([fakeAvatar('anna'), fakeAvatar('bert')]);
  const sessions = new FakeSessions(options.capacity ?? 20);
  const peers = new FakePeers();
  const clips = new ClipLibrary();
  const added: AddedAvatar[] = [];
  const timers = new ManualTimers(0);
  const rig = await openHttpRig({
    access: options.access,
    maxMessageBytes: 50_000,
    // Tests ask faster than clients may; the limit has tests of its own.
    maxRequestsPerSecond: 1_000_000,
    addRoutes: (app) =>
      serveStreamer(app, {
        gallery,
        addAvatar: async (avatar) => {
          added.push(avatar);
          return options.addAvatar ? options.addAvatar(avatar) : fakeAvatar(avatar.id);
        },
        media: new MediaFolders([media]),
        engineId: () => (options.engineId === undefined ? 'embedded' : options.engineId),
        whenStarted: options.whenStarted ?? (async () => {}),
        sessions: () => sessions,
        openWav: (path) => clips.open(path),
        connectViewer: peers.connect,
        unclaimedMs: 60_000,
        timers,
        patienceMs: options.patienceMs,
        log: silentLog(),
      }),
  });
  const call = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
    const response = await fetch(`http://127.0.0.1:${rig.port}/api/webrtc${path}`, {
      method,
      headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      body: body === undefined || typeof body === 'string' ? body : JSON.stringify(body),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, json: parsed(text) };
  };
  return {
    app: rig.app,
    port: rig.port,
    root,
    hello,
    gallery,
    sessions,
    peers,
    added,
    timers,
    call,
    start: (query: Record<string, string>) => call('POST', `/realtime/start?${new URLSearchParams(query)}`),
    offer: (body: object) => call('POST', '/offer', body),
    async close() {
      await rig.close();
      rmSync(root, { recursive: true });
    },
  };
}

/** The members of a JSON object; none if it is something else. */
function parsed(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}
