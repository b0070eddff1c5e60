import { AV_LOG_QUIET, AV_PIX_FMT_YUV420P, AVCOL_RANGE_MPEG, AVCOL_SPC_BT709 } from 'node-av/constants';
import { Frame as AvFrame, FFmpegError, Log } from 'node-av/lib';
import { AppError, type ErrorCode } from '../errors.ts';
import { type Frame, frameSizeBytes } from './frame.ts';

/**
 * Keeps FFmpeg from writing to stderr: its failures come back as return codes, and peers could fill the log with
 * broken packets. Called by whatever opens a codec or a file.
 */
export function quietFfmpeg(): void {
  Log.setLevel(AV_LOG_QUIET);
}

/**
 * @param code What an FFmpeg call returned; negative is a failure.
 * @param doing What was attempted, for the message: `<doing> failed: <FFmpeg's reason>`.
 * @throws {AppError} `errorCode` if the call failed.
 */
export function check(code: number, doing: string, errorCode: ErrorCode = 'codec_failed'): number {
  if (code < 0) throw new AppError(errorCode, `${doing} failed: ${FFmpegError.strerror(code)} (${code})`);
  return code;
}

/** Something of FFmpeg's that takes named options. */
interface OptionTaker {
  setOption(name: string, value: string): number;
}

/**
 * Sets options one by one. node-av frees a `Dictionary` given to an open call twice (6.1.1), so none is ever made.
 *
 * @throws {AppError} `codec_failed` naming the option that was refused.
 */
export function setOptions(target: OptionTaker, options: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(options)) check(target.setOption(name, value), `option ${name}=${value}`);
}

/** An empty FFmpeg picture with memory of its own. The caller frees it. */
export function allocPicture(widthPx: number, heightPx: number, format = AV_PIX_FMT_YUV420P): AvFrame {
  const picture = new AvFrame();
  picture.alloc();
  picture.format = format;
  picture.width = widthPx;
  picture.height = heightPx;
  check(picture.allocBuffer(), `allocating a ${widthPx}x${heightPx} picture`);
  return picture;
}

/** An empty FFmpeg picture for one `Frame`, tagged BT.709 limited range. The caller frees it. */
export function allocI420(widthPx: number, heightPx: number): AvFrame {
  const picture = allocPicture(widthPx, heightPx);
  picture.colorSpace = AVCOL_SPC_BT709;
  picture.colorRange = AVCOL_RANGE_MPEG;
  return picture;
}

/** Where the pixels of a picture lie, as long as it is not given other memory. */
const planesOf = new WeakMap<AvFrame, { readonly data: readonly Buffer[]; readonly linesize: readonly number[] }>();

/** Copies `frame` into `picture`, which was made by {@link allocI420} for the same size. */
export function fillI420(picture: AvFrame, frame: Frame): void {
  // Each look at `data` makes new buffers of the picture's size, which keep the garbage collector busy all the time.
  let planes = planesOf.get(picture);
  if (!planes || !picture.isWritable) {
    check(picture.makeWritable(), 'making a picture writable');
    planes = { data: picture.data!, linesize: picture.linesize };
    planesOf.set(picture, planes);
  }
  const { data, linesize } = planes;
  forEachPlane(frame.widthPx, frame.heightPx, (plane, rowBytes, rows, at) => {
    copyRows(data[plane], linesize[plane], frame.data.subarray(at), rowBytes, rowBytes, rows);
  });
}

/** Copies an FFmpeg picture (planar 4:2:0, 8 bit) of even size into a new `Frame`. */
export function readI420(picture: AvFrame): Frame {
  const { width: widthPx, height: heightPx } = picture;
  const data = new Uint8Array(frameSizeBytes(widthPx, heightPx));
  forEachPlane(widthPx, heightPx, (plane, rowBytes, rows, at) => {
    copyRows(data.subarray(at), rowBytes, picture.data![plane], picture.linesize[plane], rowBytes, rows);
  });
  return { widthPx, heightPx, data };
}

/** Copies `rows` rows of `rowBytes` bytes between two images whose rows start `toStride` and `fromStride` bytes apart. */
export function copyRows(
  to: Uint8Array,
  toStride: number,
  from: Uint8Array,
  fromStride: number,
  rowBytes: number,
  rows: number,
): void {
  if (toStride === rowBytes && fromStride === rowBytes) {
    to.set(from.subarray(0, rowBytes * rows));
    return;
  }
  for (let row = 0; row < rows; row++) {
    to.set(from.subarray(row * fromStride, row * fromStride + rowBytes), row * toStride);
  }
}

/** @throws {RangeError} if the size is not even or not within 16 to 4096. */
export function assertFrameSize(widthPx: number, heightPx: number): void {
  for (const sidePx of [widthPx, heightPx]) {
    if (!(Number.isInteger(sidePx / 2) && sidePx >= 16 && sidePx <= 4096)) {
      throw new RangeError(`a picture needs even sides of 16 to 4096 px, got ${widthPx}x${heightPx}`);
    }
  }
}

/** @throws {RangeError} if `frame` has not the size that was agreed on, or lacks pixels. */
export function assertFrame(frame: Frame, widthPx: number, heightPx: number): void {
  const sizeBytes = frameSizeBytes(widthPx, heightPx);
  if (frame.widthPx !== widthPx || frame.heightPx !== heightPx || frame.data.length !== sizeBytes) {
    throw new RangeError(
      `expected a ${widthPx}x${heightPx} picture of ${sizeBytes} bytes, ` +
        `got ${frame.widthPx}x${frame.heightPx} of ${frame.data.length} bytes`,
    );
  }
}

function forEachPlane(
  widthPx: number,
  heightPx: number,
  visit: (plane: number, rowBytes: number, rows: number, at: number) => void,
): void {
  const lumaBytes = widthPx * heightPx;
  visit(0, widthPx, heightPx, 0);
  visit(1, widthPx / 2, heightPx / 2, lumaBytes);
  visit(2, widthPx / 2, heightPx / 2, lumaBytes + lumaBytes / 4);
}
