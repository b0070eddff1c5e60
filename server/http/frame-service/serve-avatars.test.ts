import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import type { AddedAvatar } from '../../avatar-loading.ts';
import type { Avatar } from '../../avatars/avatar.ts';
import { AppError } from '../../errors.ts';
import { MediaFolders } from '../../media-folders.ts';
import { Metrics } from '../../metrics.ts';
import { FakeGallery } from '../../testing/fake-viewers.ts';
import { fakeAvatar } from '../../testing/fakes.ts';
import { type HttpRig, openHttpRig } from '../../testing/http-rig.ts';
import { fuzzBytesAsync, readCorpus } from '../../testing/mutations.ts';
import { serveAvatars } from './serve-avatars.ts';

const CORPUS = join(import.meta.dirname, 'corpus');

let folder: string;
let rig: HttpRig;
let gallery: FakeGallery;
let added: AddedAvatar[];
let addAvatar: (avatar: AddedAvatar) => Promise<Avatar>;

beforeEach(async () => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'uploads-')));
  mkdirSync(join(folder, 'media/eva'), { recursive: true });
  writeFileSync(join(folder, 'media/eva/talk.mp4'), 'a video');
  gallery = new FakeGallery([fakeAvatar('anna')]);
  added = [];
  addAvatar = async ({ id }) => fakeAvatar(id);
  rig = await openHttpRig({
    addRoutes: (app) =>
      serveAvatars(app, {
        gallery,
        addAvatar: (avatar) => {
          added.push(avatar);
          return addAvatar(avatar);
        },
        media: new MediaFolders([join(folder, 'media')]),
        uploadFolder: join(folder, 'avatars'),
        maxUploadBytes: 100_000,
        sessions: () => ({ own: 2, all: 3, capacity: 16 }),
        metrics: new Metrics(),
      }),
  });
});
afterEach(async () => {
  await rig.close();
  rmSync(folder, { recursive: true });
});

async function call(method: string, path: string, body?: RequestInit['body'], headers: Record<string, string> = {}) {
  const response = await fetch(`http://127.0.0.1:${rig.port}${path}`, { method, body, headers });
  return { status: response.status, json: (await response.json()) as Record<string, unknown> };
}

function form(bytes: string | Uint8Array<ArrayBuffer>, user?: string, name = 'me.mov'): FormData {
  const data = new FormData();
  if (user !== undefined) data.set('user_id', user);
  data.set('file', new Blob([bytes]), name);
  return data;
}

const uploads = () => (existsSync(join(folder, 'avatars')) ? readdirSync(join(folder, 'avatars')) : []);

test('/sessions counts the sessions of this door', async () => {
  assert.deepEqual((await call('GET', '/sessions')).json, {
    active_sessions: 2,
    stats: { sessions_of_all_doors: 3, capacity: 16, bytes_sent: 0, frames_dropped_slow_client: 0 },
  });
});

test('an avatar is prepared from a video of the media folders, and how far it is can be asked for', async () => {
  const preparing = Promise.withResolvers<Avatar>();
  addAvatar = () => preparing.promise;
  const { status, json } = await call('POST', '/prepare_avatar/eva?video_path=eva/talk.mp4');
  assert.deepEqual([status, json.status, json.user_id], [202, 'processing', 'eva']);
  assert.deepEqual(added, [{ id: 'eva', videoPath: 'eva/talk.mp4', videoFile: join(folder, 'media/eva/talk.mp4') }]);
  gallery.states = [{ id: 'eva', state: 'preparing', share: 0.4, problem: null }];
  assert.deepEqual((await call('GET', '/processing_status/eva')).json, {
    status: 'processing',
    user_id: 'eva',
    progress: 0.4,
    message: 'The avatar is being prepared; ask /processing_status.',
  });
  gallery.set('eva', 'failed', 0, 'no face was found');
  const failed = await call('GET', '/processing_status/eva');
  assert.deepEqual([failed.json.status, failed.json.message], ['failed', 'no face was found']);
  assert.equal((await call('GET', '/processing_status/nobody')).status, 404);
  preparing.reject(new AppError('face_not_found', 'no face'));
});

test('what fails at once is told at once, in the client’s words', async () => {
  addAvatar = async ({ videoFile }) => {
    throw new AppError('media_unreadable', `${videoFile} is no video`);
  };
  const { status, json } = await call('POST', '/prepare_avatar/eva?video_path=eva/talk.mp4');
  assert.deepEqual([status, json], [422, { code: 'media_unreadable', message: 'eva/talk.mp4 is no video' }]);
});

test('paths outside the media folders, wrong users and unknown parameters are refused', async () => {
  for (const [path, status] of [
    ['/prepare_avatar/eva?video_path=../secret.mp4', 400],
    ['/prepare_avatar/eva?video_path=/etc/passwd', 400],
    ['/prepare_avatar/eva?video_path=eva/other.mp4', 404],
    ['/prepare_avatar/eva', 400],
    ['/prepare_avatar/eva?video_path=eva/talk.mp4&more=1', 400],
    ['/prepare_avatar/e.va?video_path=eva/talk.mp4', 400],
    ['/prepare_avatar/..%2feva?video_path=eva/talk.mp4', 400],
  ] as const) {
    assert.equal((await call('POST', path)).status, status, path);
  }
  assert.deepEqual(added, []);
});

test('an uploaded video is stored under its user and prepared', async () => {
  const { status, json } = await call('POST', '/upload_video', form('bytes', 'eva'));
  assert.deepEqual([status, json], [200, { status: 'ready', user_id: 'eva', message: 'The avatar is ready.' }]);
  assert.equal(readFileSync(join(folder, 'avatars/eva/upload.mov'), 'utf8'), 'bytes');
  const [{ consent, ...avatar }] = added;
  assert.deepEqual(avatar, { id: 'eva', videoPath: 'eva/upload', videoFile: join(folder, 'avatars/eva/upload.mov') });
  assert.equal(consent?.by, 'not asked; sent by anyone');
  assert.ok(Math.abs(Date.parse(consent?.at ?? '') - Date.now()) < 10_000);
  const unnamed = await call('POST', '/upload_video', form('bytes'));
  assert.match(String(unnamed.json.user_id), /^user_[0-9a-f]{12}$/);
});

test('whatever name a file has, it is stored under ours', async () => {
  for (const name of ['../../../evil.mp4', 'a.sh', '.mp4', 'x.m3u8', 'c:\\x.mov']) {
    await call('POST', '/upload_video', form('bytes', 'eva', name));
  }
  assert.deepEqual(uploads(), ['eva']);
  assert.deepEqual(readdirSync(join(folder, 'avatars/eva')).sort(), ['upload.mov', 'upload.mp4']);
});

test('who says that the person shown agrees is kept with an upload', async () => {
  const said = form('bytes', 'eva');
  said.set('consent', ' It is me. ');
  await call('POST', '/upload_video', said);
  assert.equal(added[0].consent?.by, 'It is me.');
  const wrong = form('bytes', 'eve');
  wrong.set('consent', 'two\nlines');
  assert.equal((await call('POST', '/upload_video', wrong)).status, 400);
  assert.equal(added.length, 1);
});

test('uploads that are too large, of the wrong kind, or for an avatar that exists leave nothing behind', async () => {
  const boundary = { 'content-type': 'multipart/form-data; boundary=x' };
  const twoFiles = form('bytes', 'eva');
  twoFiles.append('file', new Blob(['more']), 'b.mp4');
  const other = form('bytes', 'eva');
  other.set('color', 'red');
  for (const [body, status, headers] of [
    [form(new Uint8Array(100_001), 'eva'), 413],
    [form('bytes', '../eva'), 400],
    [form('bytes', 'x'.repeat(300)), 400],
    [form('bytes', 'anna'), 409],
    [twoFiles, 413],
    [other, 400],
    [new FormData(), 400],
    ['{}', 400, { 'content-type': 'text/plain' }],
    ['--x\r\nbroken', 400, boundary],
    ['', 400, boundary],
  ] as [FormData | string, number, Record<string, string>?][]) {
    const answer = await call('POST', '/upload_video', body, headers);
    assert.ok(answer.status === status || (status === 400 && answer.status === 415), `${answer.status} for ${status}`);
  }
  assert.deepEqual(added, []);
  assert.deepEqual(uploads(), []);
});

test('a video that cannot be prepared is removed again', async () => {
  addAvatar = async ({ id, videoFile }) => {
    throw new AppError('face_not_found', `Avatar ${id}: no face in ${videoFile}`);
  };
  const { status, json } = await call('POST', '/upload_video', form('bytes', 'eva'));
  assert.deepEqual([status, json.message], [422, 'Avatar eva: no face in the video']);
  assert.deepEqual(uploads(), []);
});

test('multipart bodies of all kinds are taken or refused, never a failure of ours, and leave nothing behind (fuzz)', async () => {
  addAvatar = async () => {
    throw new AppError('media_unreadable', 'no video');
  };
  const words = [
    ...['--x', '--x--', '\r\n', '\r\n\r\n', '\n', '"', ';', '\0', 'é', 'name=', 'filename=', "filename*=utf-8''..%2f"],
    ...['content-disposition: form-data; ', 'content-transfer-encoding: base64\r\n', 'content-type: video/mp4\r\n'],
  ];
  const headers = { 'content-type': 'multipart/form-data; boundary=x' };
  await fuzzBytesAsync(readCorpus(CORPUS, '.multipart'), words, async (body) => {
    const { status } = await call('POST', '/upload_video', new Uint8Array(body), headers);
    assert.ok(status >= 400 && status < 500, `${status}`);
  });
  assert.deepEqual(uploads(), []);
});
