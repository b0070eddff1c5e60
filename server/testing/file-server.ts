import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';

/** What a server does with one request for a file. `silent` sends no more after so many bytes, until `breakOff` is called. */
export type Mood =
  | { readonly kind: 'fine' }
  | { readonly kind: 'silent'; readonly afterBytes: number }
  | { readonly kind: 'status'; readonly status: number; readonly headers?: Record<string, string> }
  | { readonly kind: 'web-page' }
  | { readonly kind: 'lying'; readonly announcedBytes: number }
  | { readonly kind: 'no-ranges' }
  | { readonly kind: 'unknown-length' };

/** A real HTTP server with files by path, whose moods are used up one per request; then it is fine. */
export class FileServer {
  readonly files = new Map<string, Buffer>();
  readonly moods: Mood[] = [];
  /** `GET /path bytes=…`, as they came. */
  readonly requests: string[] = [];
  /** Entity tag of all files; change it when they change. */
  etag = '"first"';
  readonly #silent: ServerResponse[] = [];
  #url = '';

  get url(): string {
    return this.#url;
  }

  static async open(t: TestContext): Promise<FileServer> {
    const files = new FileServer();
    const server = createServer((request, response) => files.#answer(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.after(() => {
      server.closeAllConnections();
      server.close();
    });
    files.#url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    return files;
  }

  /** Closes the connections that have fallen silent. */
  breakOff(): void {
    for (const response of this.#silent.splice(0)) response.destroy();
  }

  #sendSome(bytes: Buffer, response: ServerResponse): void {
    response.write(bytes);
    this.#silent.push(response);
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    this.requests.push([request.url, request.headers.range].filter(Boolean).join(' '));
    const content = this.files.get(request.url ?? '');
    const mood = this.moods.shift() ?? { kind: 'fine' };
    if (mood.kind === 'status') {
      response.writeHead(mood.status, mood.headers).end();
      return;
    }
    if (!content) {
      response.writeHead(404).end();
      return;
    }
    if (mood.kind === 'web-page') {
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end('<html>Are you a robot?</html>');
      return;
    }
    this.#send(content, mood, this.#startOf(request, mood), response);
  }

  /** First byte that is asked for; 0 where the range does not count. */
  #startOf({ headers }: IncomingMessage, mood: Mood): number {
    const start = /^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1];
    return mood.kind === 'no-ranges' || headers['if-range'] !== this.etag ? 0 : Number(start ?? 0);
  }

  #send(content: Buffer, mood: Mood, start: number, response: ServerResponse): void {
    if (start >= content.length) {
      response.writeHead(416, { 'content-range': `bytes */${content.length}` }).end();
      return;
    }
    const rest = content.subarray(start);
    const announced = mood.kind === 'lying' ? mood.announcedBytes : rest.length;
    response.writeHead(start > 0 ? 206 : 200, {
      etag: this.etag,
      'content-type': 'application/octet-stream',
      ...(mood.kind === 'unknown-length' ? {} : { 'content-length': String(announced) }),
      ...(start > 0 ? { 'content-range': `bytes ${start}-${content.length - 1}/${content.length}` } : {}),
    });
    if (mood.kind === 'silent') this.#sendSome(rest.subarray(0, mood.afterBytes), response);
    else if (mood.kind === 'lying') response.write(rest, () => response.destroy());
    else response.end(rest);
  }
}
