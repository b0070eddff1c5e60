import { Readable } from 'node:stream';
import type { AvatarGallery, AvatarProgress } from '../avatar-gallery.ts';

/** A progress that says nothing new sends a comment this often, so that proxies leave the line open. */
const QUIET_MS = 15_000;

/**
 * How far an avatar is, as server-sent events (WHATWG HTML §9.2): `progress` with every change, from now on; `removed` if it is
 * given up. Ends when it is ready, failed or removed, and when the reader goes. What the reader has not taken yet is one event, the
 * latest.
 */
export function progressEvents(gallery: AvatarGallery, id: string): Readable {
  let waiting: string | null = null;
  let wantsMore = false;
  let isLast = false;
  const stream = new Readable({
    read() {
      wantsMore = true;
      flush();
    },
    destroy(error, done) {
      end();
      done(error);
    },
  });
  const flush = () => {
    if (!wantsMore || waiting === null) return;
    wantsMore = stream.push(waiting);
    waiting = null;
    if (isLast) stream.push(null);
  };
  const tell = () => {
    const progress = gallery.progress().find((each) => each.id === id);
    waiting = progress ? event('progress', progress) : event('removed', { id });
    isLast = !progress || progress.state === 'ready' || progress.state === 'failed';
    if (isLast) end();
    flush();
  };
  const stopWatching = gallery.watch((changed) => changed === id && tell());
  const timer = setInterval(() => {
    waiting ??= ':\n\n';
    flush();
  }, QUIET_MS).unref();
  const end = () => {
    clearInterval(timer);
    stopWatching();
  };
  tell();
  return stream;
}

function event(name: string, data: AvatarProgress | { readonly id: string }): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}
