import { basename, dirname } from 'node:path';
import type { FastifyRequest } from 'fastify';
import { FRAMES_PER_SECOND } from '../../audio/pcm.ts';
import type { AddedAvatar } from '../../avatar-loading.ts';
import type { AvatarCard } from '../../avatars/avatar.ts';
import { AppError } from '../../errors.ts';
import type { Log } from '../../log.ts';
import type { MediaFolders } from '../../media-folders.ts';
import { grantOf } from '../access/guard-routes.ts';
import { underApi } from '../api/api-scope.ts';
import type { App } from '../app.ts';
import type { AvatarGallery } from '../avatar-gallery.ts';
import * as schemas from './schemas.ts';
import { StreamerSessions, type StreamerSessionsOptions } from './streamer-sessions.ts';

/** Id of the engine that this door's clients know; any other one is a demo to them. */
const MUSETALK = 'musetalk';

export interface StreamerOptions extends StreamerSessionsOptions {
  readonly gallery: AvatarGallery;
  /** Prepares one more avatar. @throws {AppError} `avatar_exists`, `server_full`, and what preparation throws. */
  readonly addAvatar: (avatar: AddedAvatar) => Promise<AvatarCard>;
  readonly media: MediaFolders;
  /** Id of the engine that runs; null before one does. */
  readonly engineId: () => string | null;
  /** Settles when sessions can begin. @throws if they never will. */
  readonly whenStarted: () => Promise<void>;
  /** Longest time that a request waits for a preparation or for the engine; below the minute after which proxies give up. */
  readonly patienceMs?: number;
  readonly log: Log;
}

/** Serves the Streamer's REST under `/api/webrtc`: sessions from recordings, with WebRTC offers over HTTP. */
export function serveStreamer(app: App, options: StreamerOptions): void {
  const { gallery, media, engineId } = options;
  const patienceMs = options.patienceMs ?? 55_000;
  const sessions = new StreamerSessions(options);

  underApi(app, options.log, (api) => {
    takeEmptyBodies(api);

    api.get('/webrtc/musetalk/status', { config: { scope: 'view' }, schema: schemas.STATUS }, async () => {
      const id = engineId();
      return {
        initialized: id !== null,
        current_avatar: sessions.lastAvatarId ?? gallery.ready()[0]?.id ?? null,
        loaded_avatars: gallery.ready().map((avatar) => avatar.id),
        demo_mode: id !== MUSETALK,
        engine: id,
        message: statusMessage(id),
        jobs: gallery
          .progress()
          .map(({ id: avatar_id, state, share, problem }) => ({ avatar_id, state, progress: share, problem })),
      };
    });

    api.post('/webrtc/avatar/initialize', { config: { scope: 'speak' }, schema: schemas.INITIALIZE }, async () => {
      if (engineId() === null && !(await isDone(started(options), patienceMs))) {
        throw new AppError('not_ready', 'The engine is still starting; try again in a few seconds.');
      }
      return { status: 'success' };
    });

    api.post<{ Querystring: schemas.PrepareQuery }>(
      '/webrtc/avatar/prepare',
      { config: { scope: 'speak' }, schema: schemas.PREPARE },
      async (request, reply) => {
        const { avatar_id, video_path: videoPath } = request.query;
        const videoFile = await media.find(videoPath, 'file or folder');
        const prepared = options.addAvatar({ id: avatar_id, videoPath, videoFile });
        if (await isDone(inClientsWords(prepared, videoFile, videoPath), patienceMs)) {
          return { status: 'success', avatar_id, progress: 1 };
        }
        const progress = gallery.progress().find(({ id }) => id === avatar_id)?.share ?? 0;
        return reply.code(202).send({ status: 'processing', avatar_id, progress });
      },
    );

    api.post<{ Querystring: schemas.StartQuery }>(
      '/webrtc/realtime/start',
      { config: { scope: 'speak' }, schema: schemas.START },
      async (request) => {
        // A client leaves fields of a form empty that it has nothing for.
        const { session_id, avatar_id, audio_path } = request.query;
        const avatarId = (await gallery.bring(avatar_id || null)).id;
        const audioPath = audio_path ? await media.find(audio_path, 'file') : null;
        const started = await inClientsWords(
          sessions.start({ name: session_id, avatarId, audioPath, grant: grantOf(request), address: request.ip }),
          audioPath,
          audio_path,
        );
        return {
          status: 'success',
          session_id,
          fps: FRAMES_PER_SECOND,
          audio_urls: started.audio ? [`/api/webrtc/audio/${started.audio.token}.wav`] : [],
          avatar_id: avatarId,
        };
      },
    );

    api.post<{ Body: schemas.OfferBody }>(
      '/webrtc/offer',
      { config: { scope: 'speak' }, schema: schemas.OFFER },
      async (request) => {
        const { session_id, sdp } = request.body;
        const answer = await sessions.get(session_id, grantOf(request)).answer(sdp);
        return { sdp: answer.sdp, type: 'answer', fps: FRAMES_PER_SECOND, rtp_origin: answer.rtpOrigin };
      },
    );

    // The address itself is the permission: an audio element cannot send a key.
    api.get<{ Params: { file: string } }>(
      '/webrtc/audio/:file',
      { config: { scope: 'public' }, schema: schemas.AUDIO },
      (request, reply) => {
        const path = sessions.audioPath(tokenOf(request));
        return reply
          .type('audio/wav')
          .header('cache-control', 'private, no-store')
          .sendFile(basename(path), dirname(path), { cacheControl: false, contentType: false, dotfiles: 'allow' });
      },
    );
  });
}

function statusMessage(engineId: string | null): string {
  if (engineId === null) return 'The engine is starting.';
  if (engineId === MUSETALK) return 'MuseTalk draws the mouths.';
  return `Demo mode: MuseTalk is not there, so the ${engineId} engine draws the mouths.`;
}

/** @throws {AppError} `not_ready` if the server will never take sessions; its own words are for its log. */
async function started({ whenStarted, log }: StreamerOptions): Promise<void> {
  try {
    await whenStarted();
  } catch (error) {
    log.debug({ err: error }, 'a client waits for an engine that cannot start');
    throw new AppError('not_ready', 'The server cannot start its engine or its avatars; its log says why.');
  }
}

/** False if `work`, which goes on, takes longer. */
async function isDone(work: Promise<unknown>, patienceMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, patienceMs, false).unref();
  });
  try {
    return await Promise.race([work.then(() => true), limit]);
  } finally {
    clearTimeout(timer);
  }
}

/** What goes wrong with a file is told with the client's path for it; where it lies on this machine is nobody's business. */
async function inClientsWords<T>(work: Promise<T>, path: string | null, given: string | undefined): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof AppError) || path === null || given === undefined) throw error;
    throw new AppError(error.code, error.message.replaceAll(path, given), { cause: error });
  }
}

function tokenOf(request: FastifyRequest<{ Params: { file: string } }>): string {
  return request.params.file.replace(/\.wav$/, '');
}

/** Clients say that they send JSON and then send none; that is an empty body here, as it was with the original server. */
function takeEmptyBodies(api: App): void {
  api.removeContentTypeParser('application/json');
  const parse = api.getDefaultJsonParser('error', 'error');
  api.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body.length === 0) done(null, undefined);
    else parse(request, body.toString(), done);
  });
}
