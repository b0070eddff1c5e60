import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { HEADER_LENGTH, wireTensor } from '../models/kserve.ts';
import type { Model, ModelTensor } from '../models/model.ts';
import { type GraphName, graphFile } from '../models/musetalk-graphs.ts';
import { OnnxModel } from '../models/onnx-model.ts';

/** What the server does with one run; then it is fine. */
export type KserveMood = 'fine' | 'drop' | 'silent' | 'error' | 'as-json' | 'wrong-shape' | 'endless' | 'no-outputs';

interface Tensor {
  readonly name: string;
  readonly shape: number[];
  readonly datatype: string;
  readonly parameters: { readonly binary_data_size: number };
}

/** A real inference server for graphs of a folder: KServe v2 with the binary tensor extension, computed by onnxruntime. */
export class KserveServer {
  readonly moods: KserveMood[] = [];
  /** Runs that arrived. */
  runs = 0;
  /** Whether `/ready` says so. */
  isReady = true;
  readonly #models = new Map<string, Model>();
  readonly #shapes = new Map<string, Readonly<Record<string, { type: string; shape: number[] }>>>();
  #url = '';

  get url(): string {
    return this.#url;
  }

  static async open(t: TestContext, folder: string, names: readonly GraphName[]): Promise<KserveServer> {
    const kserve = new KserveServer();
    const golden = JSON.parse(await readFile(join(folder, 'golden.json'), 'utf8'));
    for (const name of names) {
      kserve.#models.set(name, await OnnxModel.open(graphFile(folder, name)));
      kserve.#shapes.set(name, golden.graphs[name].outputs);
    }
    const server = createServer((request, response) => {
      kserve.#answer(request, response).catch((error) => response.writeHead(500).end(String(error)));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.after(async () => {
      server.closeAllConnections();
      server.close();
      for (const model of kserve.#models.values()) await model.close();
    });
    kserve.#url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    return kserve;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [, name = '', what = ''] = /^\/v2\/models\/([\w-]+)\/(\w+)$/.exec(request.url ?? '') ?? [];
    const model = this.#models.get(name);
    if (request.url === '/v2/health/ready') {
      response.writeHead(this.isReady ? 200 : 503).end();
    } else if (!model) {
      response.writeHead(404).end();
    } else if (what === 'ready') {
      response.writeHead(this.isReady ? 200 : 503).end();
    } else {
      const mood = this.moods.shift() ?? 'fine';
      this.runs++;
      const body = await bodyOf(request);
      if (mood === 'drop') request.socket.destroy();
      else if (mood === 'error') response.writeHead(400).end('{"error":"unexpected shape for input latents"}');
      else if (mood !== 'silent')
        await this.#run(name, model, body, Number(request.headers[HEADER_LENGTH]), mood, response);
    }
  }

  async #run(
    name: string,
    model: Model,
    body: Buffer,
    headerBytes: number,
    mood: KserveMood,
    response: ServerResponse,
  ): Promise<void> {
    const { inputs, outputs: wanted } = JSON.parse(body.toString('utf8', 0, headerBytes)) as {
      inputs: Tensor[];
      outputs: { name: string; parameters: { binary_data: boolean } }[];
    };
    const feeds: Record<string, ModelTensor> = {};
    let at = headerBytes;
    for (const { name: input, shape, parameters } of inputs) {
      const bytes = body.subarray(at, at + parameters.binary_data_size);
      feeds[input] = { data: new Float32Array(new Uint8Array(bytes).buffer), dims: shape };
      at += parameters.binary_data_size;
    }
    const batch = inputs[0].shape[0];
    const told = this.#shapes.get(name) ?? {};
    const outputs = Object.fromEntries(wanted.map(({ name: output }) => [output, blank(told[output], batch)]));
    await model.run(feeds, outputs);
    send(outputs, mood, response);
  }
}

function send(outputs: Record<string, ModelTensor>, mood: KserveMood, response: ServerResponse): void {
  const entries = mood === 'no-outputs' ? [] : Object.entries(outputs);
  if (mood === 'as-json') {
    const told = entries.map(([name, tensor]) => ({
      ...wireTensor(name, tensor, 0),
      parameters: undefined,
      data: [...tensor.data],
    }));
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ outputs: told }));
    return;
  }
  const blobs = entries.map(([, { data }]) => Buffer.from(data.buffer, data.byteOffset, data.byteLength));
  const told = entries.map(([name, { data, dims }], i) =>
    wireTensor(name, { data, dims: mood === 'wrong-shape' ? [1, ...dims] : dims }, blobs[i].length),
  );
  const header = Buffer.from(JSON.stringify({ model_version: '1', outputs: told }));
  response.writeHead(200, { [HEADER_LENGTH]: String(header.length) });
  response.end(Buffer.concat([header, ...blobs, ...(mood === 'endless' ? [Buffer.alloc(4e6)] : [])]));
}

function blank({ type, shape }: { type: string; shape: number[] }, batch: number): ModelTensor {
  const dims = [batch, ...shape.slice(1)];
  const size = dims.reduce((product, each) => product * each, 1);
  return { data: type === 'uint8' ? new Uint8Array(size) : new Float32Array(size), dims };
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks);
}
