import type { ModelTensor } from './model.ts';

/**
 * The inference messages of the KServe v2 protocol (Open Inference Protocol) with its binary tensor extension: a JSON header,
 * whose length stands in an HTTP header, and the tensors' bytes right after it, little-endian.
 */

export const HEADER_LENGTH = 'inference-header-content-length';

/** Names of the types that tensors have here. */
const DATATYPES = { float32: 'FP32', uint8: 'UINT8' } as const;

interface WireTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly datatype: string;
  readonly parameters?: { readonly binary_data_size?: number };
  /** From servers without the extension. */
  readonly data?: readonly number[];
}

export interface KserveMessage {
  /** Length of the JSON header, in bytes. */
  readonly headerBytes: number;
  readonly body: Buffer;
}

/** A request for `outputs` in binary form. */
export function inferRequest(inputs: Readonly<Record<string, ModelTensor>>, outputs: readonly string[]): KserveMessage {
  const blobs = Object.values(inputs).map(({ data }) => Buffer.from(data.buffer, data.byteOffset, data.byteLength));
  const header = Buffer.from(
    JSON.stringify({
      inputs: Object.entries(inputs).map(([name, tensor], i) => wireTensor(name, tensor, blobs[i].length)),
      outputs: outputs.map((name) => ({ name, parameters: { binary_data: true } })),
    }),
  );
  return { headerBytes: header.length, body: Buffer.concat([header, ...blobs]) };
}

export function wireTensor(name: string, { data, dims }: ModelTensor, sizeBytes: number): WireTensor {
  const datatype = data instanceof Float32Array ? DATATYPES.float32 : DATATYPES.uint8;
  return { name, shape: dims, datatype, parameters: { binary_data_size: sizeBytes } };
}

/**
 * Writes the tensors of an answer to `outputs`.
 *
 * @param headerBytes Length of the JSON header; null where all of it is JSON.
 * @throws {Error} with what was expected and found if the answer is not what was asked for.
 */
export function readAnswer(
  body: Buffer,
  headerBytes: number | null,
  outputs: Readonly<Record<string, ModelTensor>>,
): void {
  if (headerBytes !== null && !(headerBytes >= 2 && headerBytes <= body.length)) {
    throw new Error(`its header must have 2 to ${body.length} bytes, got ${headerBytes}`);
  }
  const left = new Set(Object.keys(outputs));
  let at = headerBytes ?? body.length;
  for (const tensor of tensorsOf(body.subarray(0, headerBytes ?? body.length))) {
    const sizeBytes = tensor.parameters?.binary_data_size ?? 0;
    const output = Object.hasOwn(outputs, tensor.name) ? outputs[tensor.name] : undefined;
    if (output) {
      fill(tensor, body.subarray(at, at + sizeBytes), output);
      left.delete(tensor.name);
    }
    at += sizeBytes;
  }
  if (left.size > 0) throw new Error(`its outputs must include ${[...left].join(', ')}`);
}

function tensorsOf(json: Buffer): readonly WireTensor[] {
  const told: unknown = JSON.parse(json.toString());
  if (typeof told !== 'object' || told === null || !('outputs' in told) || !Array.isArray(told.outputs)) {
    throw new Error('it must have outputs');
  }
  return told.outputs;
}

function fill({ name, shape, datatype, parameters, data }: WireTensor, bytes: Buffer, output: ModelTensor): void {
  const wanted = `${output.data instanceof Float32Array ? DATATYPES.float32 : DATATYPES.uint8}[${output.dims}]`;
  const found = `${datatype}[${shape}]`;
  if (found !== wanted) throw new Error(`output ${name} must be ${wanted}, got ${found}`);
  if (parameters?.binary_data_size === undefined && data?.length === output.data.length) {
    output.data.set(data);
    return;
  }
  if (bytes.length !== output.data.byteLength) {
    throw new Error(`output ${name} must have ${output.data.byteLength} bytes, got ${bytes.length}`);
  }
  new Uint8Array(output.data.buffer, output.data.byteOffset, output.data.byteLength).set(bytes);
}
