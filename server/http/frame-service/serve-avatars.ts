import multipart from '@fastify/multipart';
import type { FastifyReply } from 'fastify';
import type { AddedAvatar } from '../../avatar-loading.ts';
import type { AvatarCard } from '../../avatars/avatar.ts';
import { AppError } from '../../errors.ts';
import type { MediaFolders } from '../../media-folders.ts';
import type { Metrics } from '../../metrics.ts';
import { grantOf } from '../access/guard-routes.ts';
import type { App } from '../app.ts';
import type { AvatarGallery } from '../avatar-gallery.ts';
import * as schemas from './schemas.ts';
import { removeUpload, takeUpload } from './upload.ts';

/** What goes wrong at once is told at once; what takes longer is asked for with `/processing_status`. */
const PATIENCE_MS = 1000;

export interface ServeAvatarsOptions {
  readonly gallery: AvatarGallery;
  /** Prepares one more avatar. @throws {AppError} `avatar_exists`, `server_full`, and what preparation throws. */
  readonly addAvatar: (avatar: AddedAvatar) => Promise<AvatarCard>;
  readonly media: MediaFolders;
  /** Absolute path of the folder that uploads go to, one folder a user. */
  readonly uploadFolder: string;
  readonly maxUploadBytes: number;
  /** Sessions of this door, and of all. */
  readonly sessions: () => { readonly own: number; readonly all: number; readonly capacity: number };
  readonly metrics: Metrics;
}

/** Serves the frame service's REST calls: `/sessions`, `/prepare_avatar`, `/upload_video`, `/processing_status`. */
export function serveAvatars(app: App, options: ServeAvatarsOptions): void {
  const { gallery, media, metrics } = options;

  app.get('/sessions', { config: { scope: 'view' }, schema: schemas.SESSIONS }, async () => {
    const { own, all, capacity } = options.sessions();
    return {
      active_sessions: own,
      stats: {
        sessions_of_all_doors: all,
        capacity,
        bytes_sent: metrics.counter('frame_service_bytes').value,
        frames_dropped_slow_client: metrics.counter('frames_dropped_slow_client').value,
      },
    };
  });

  app.post<{ Params: schemas.UserParams; Querystring: { video_path: string } }>(
    '/prepare_avatar/:user_id',
    { config: { scope: 'speak' }, schema: schemas.PREPARE },
    async (request, reply) => {
      const { user_id: id } = request.params;
      const { video_path: videoPath } = request.query;
      const videoFile = await media.find(videoPath, 'file or folder');
      return begin(reply, id, inClientsWords(options.addAvatar({ id, videoPath, videoFile }), videoFile, videoPath));
    },
  );

  app.get<{ Params: schemas.UserParams }>(
    '/processing_status/:user_id',
    { config: { scope: 'view' }, schema: schemas.PROCESSING_STATUS },
    async (request) => {
      const { user_id } = request.params;
      const found = gallery.progress().find(({ id }) => id === user_id);
      if (!found) throw new AppError('avatar_not_found', `No avatar was prepared for ${user_id}.`);
      const status = found.state === 'ready' || found.state === 'failed' ? found.state : 'processing';
      return { status, user_id, progress: found.share, message: found.problem ?? words(status) };
    },
  );

  // In a scope of its own: nothing else takes multipart bodies.
  app.register(async (scope: App) => {
    await scope.register(multipart, { throwFileSizeLimit: false });
    scope.post(
      '/upload_video',
      { config: { scope: 'speak', takesFiles: true }, schema: schemas.UPLOAD },
      async (request, reply) => {
        const { uploadFolder, maxUploadBytes } = options;
        const upload = await takeUpload(request, uploadFolder, maxUploadBytes, (userId) => requireNew(gallery, userId));
        const { userId: id, path: videoFile } = upload;
        // The contract has no question for it, so what is known is kept: the answer of clients that say, else who sent the video.
        const by = upload.consent ?? `not asked; sent by ${grantOf(request).subject}`;
        const consent = { by, at: new Date().toISOString() };
        const added = options.addAvatar({ id, videoPath: `${id}/upload`, videoFile, consent }).catch(async (error) => {
          await removeUpload(upload);
          throw error;
        });
        return begin(reply, id, inClientsWords(added, videoFile, 'the video'));
      },
    );
  });
}

/** An upload must not take the place of a video that is in use. */
function requireNew(gallery: AvatarGallery, userId: string): void {
  if (!gallery.progress().some(({ id, state }) => id === userId && state !== 'failed')) return;
  throw new AppError('avatar_exists', `Avatar ${userId} exists already; choose another user_id.`);
}

async function begin(reply: FastifyReply, userId: string, added: Promise<unknown>) {
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<'processing'>((resolve) => {
    timer = setTimeout(resolve, PATIENCE_MS, 'processing').unref();
  });
  // Who asks later hears of a failure by `/processing_status`.
  added.catch(() => {});
  try {
    const status = await Promise.race([added.then(() => 'ready' as const), patience]);
    reply.code(status === 'ready' ? 200 : 202);
    return { status, user_id: userId, message: words(status) };
  } finally {
    clearTimeout(timer);
  }
}

/** What goes wrong with a file is told with the client's name for it; where it lies on this machine is nobody's business. */
async function inClientsWords<T>(work: Promise<T>, path: string, given: string): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    throw new AppError(error.code, error.message.replaceAll(path, given), { cause: error });
  }
}

function words(status: 'processing' | 'ready' | 'failed'): string {
  return {
    processing: 'The avatar is being prepared; ask /processing_status.',
    ready: 'The avatar is ready.',
    failed: 'The avatar could not be prepared.',
  }[status];
}
