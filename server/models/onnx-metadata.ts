import { type FileHandle, open } from 'node:fs/promises';
import { AppError } from '../errors.ts';

/** Fields of ModelProto and StringStringEntryProto (onnx.proto) and of the protobuf encoding that are read here. */
const METADATA_PROPS = 14;
const KEY = 1;
const VALUE = 2;
const WIRE = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

/** A tag and a length are two varints of at most ten bytes. */
const HEAD_BYTES = 20;
/** What a file may say about itself; much less is usual. */
const MAX_ENTRY_BYTES = 65_536;
const MAX_ENTRIES = 256;
/** A model has a dozen fields at its top level, and one for each metadata entry, function and import. */
const MAX_FIELDS = 4096;

/**
 * What an ONNX file says about itself (`metadata_props`), in its order. The runtime does not tell it to Node, so it is read
 * from the file; the weights are skipped, so that gigabytes cost no more than kilobytes.
 *
 * @param path Of an `.onnx` file.
 * @throws {AppError} `model_missing` if there is no such file, `model_invalid` if it is not an ONNX file or cut short.
 */
export async function readOnnxMetadata(path: string): Promise<ReadonlyMap<string, string>> {
  const file = await open(path).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'ENOENT') throw invalid(path, `it cannot be opened (${cause.message})`, cause);
    throw new AppError('model_missing', `the model ${path} does not exist; put it there`, { cause });
  });
  try {
    return await readEntries(path, file);
  } finally {
    await file.close();
  }
}

async function readEntries(path: string, file: FileHandle): Promise<Map<string, string>> {
  const stat = await file.stat();
  if (!stat.isFile()) throw invalid(path, 'it is no file');
  if (stat.size === 0) throw invalid(path, 'it is empty');
  const entries = new Map<string, string>();
  let at = 0;
  for (let fields = 0; at < stat.size; fields++) {
    if (fields === MAX_FIELDS) throw invalid(path, `it has more than ${MAX_FIELDS} fields`);
    const head = await readBytes(file, at, Math.min(HEAD_BYTES, stat.size - at));
    const field = readHead(head) ?? fail(path, at);
    const end = at + field.end;
    if (end > stat.size)
      throw invalid(path, `byte ${at} announces data up to byte ${end}, the file ends at ${stat.size}`);
    if (field.number === METADATA_PROPS && field.wire === WIRE.bytes) {
      if (entries.size === MAX_ENTRIES) throw invalid(path, `it has more than ${MAX_ENTRIES} metadata entries`);
      const sizeBytes = field.end - field.start;
      if (sizeBytes > MAX_ENTRY_BYTES) throw invalid(path, `its metadata entry at byte ${at} has ${sizeBytes} bytes`);
      const [key, value] = readEntry(await readBytes(file, at + field.start, sizeBytes)) ?? fail(path, at);
      entries.set(key, value);
    }
    at = end;
  }
  return entries;
}

interface Field {
  readonly number: number;
  readonly wire: number;
  /** Where its content begins and ends, in bytes from where the tag was looked for. */
  readonly start: number;
  readonly end: number;
}

/** The field whose tag comes first; undefined if no tag is there. */
function readHead(bytes: Uint8Array): Field | undefined {
  const tag = readVarint(bytes, 0);
  if (!tag || tag.value < 8) return undefined;
  const [number, wire] = [Math.floor(tag.value / 8), tag.value % 8];
  if (wire === WIRE.fixed64) return { number, wire, start: tag.end, end: tag.end + 8 };
  if (wire === WIRE.fixed32) return { number, wire, start: tag.end, end: tag.end + 4 };
  if (wire !== WIRE.varint && wire !== WIRE.bytes) return undefined;
  const value = readVarint(bytes, tag.end);
  if (!value) return undefined;
  if (wire === WIRE.varint) return { number, wire, start: tag.end, end: value.end };
  return { number, wire, start: value.end, end: value.end + value.value };
}

/** Seven bits a byte, the lowest first. Numbers beyond 2^53 lose bits, which no length or tag has. */
function readVarint(bytes: Uint8Array, at: number): { value: number; end: number } | undefined {
  let value = 0;
  for (let i = 0; i < 10 && at + i < bytes.length; i++) {
    value += (bytes[at + i] & 0x7f) * 2 ** (7 * i);
    if (bytes[at + i] < 0x80) return { value, end: at + i + 1 };
  }
  return undefined;
}

function readEntry(bytes: Buffer): [string, string] | undefined {
  const texts = new Map<number, string>();
  for (let at = 0; at < bytes.length; ) {
    const field = readHead(bytes.subarray(at));
    if (!field || at + field.end > bytes.length) return undefined;
    if (field.wire === WIRE.bytes) texts.set(field.number, bytes.toString('utf8', at + field.start, at + field.end));
    at += field.end;
  }
  return [texts.get(KEY) ?? '', texts.get(VALUE) ?? ''];
}

async function readBytes(file: FileHandle, position: number, sizeBytes: number): Promise<Buffer> {
  const bytes = Buffer.alloc(sizeBytes);
  const { bytesRead } = await file.read(bytes, 0, sizeBytes, position);
  return bytes.subarray(0, bytesRead);
}

function fail(path: string, at: number): never {
  throw invalid(path, `byte ${at} begins no field of one`);
}

function invalid(path: string, reason: string, cause?: unknown): AppError {
  const advice = 'Fetch or convert it again.';
  return new AppError('model_invalid', `${path} must be an ONNX model: ${reason}. ${advice}`, { cause });
}
