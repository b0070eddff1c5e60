import {
  AV_BUFFERSRC_FLAG_KEEP_REF,
  AV_FRAME_DATA_DISPLAYMATRIX,
  AV_PIX_FMT_YUV420P,
  AVCOL_PRI_BT2020,
  AVCOL_PRI_UNSPECIFIED,
  AVCOL_RANGE_JPEG,
  AVCOL_SPC_BT709,
  AVCOL_SPC_SMPTE170M,
  AVCOL_SPC_UNSPECIFIED,
  AVCOL_TRC_ARIB_STD_B67,
  AVCOL_TRC_SMPTE2084,
} from 'node-av/constants';
import { Frame as AvFrame, avGetPixFmtName, Filter, type FilterContext, FilterGraph } from 'node-av/lib';
import { AppError } from '../errors.ts';
import { check, readI420 } from './ffmpeg.ts';
import type { Frame } from './frame.ts';

/** How tall an untagged picture must be to be taken as BT.709; smaller ones are BT.601, as players do it. */
const HD_HEIGHT_PX = 720;

/**
 * Puts grey behind transparent pixels, whose colours are arbitrary: c·a + ½(1 − a). No filter adds a constant to a share of alpha
 * without going below zero on the way, so the way leads over h = ½(1 − c·a) + ¼a, in 16 bits.
 */
const GREY_BEHIND = [
  'format=pix_fmts=gbrap16le',
  'premultiply=inplace=1',
  'negate=components=r+g+b',
  'colorchannelmixer=rr=0.5:ra=0.25:gg=0.5:ga=0.25:bb=0.5:ba=0.25',
  ['lutrgb=r', 'g', 'b'].map((channel) => `${channel}=maxval*1.5-2*val`).join(':'),
];

/** How often the pictures of one file may change size or colour; each time costs up to a second of preparation. */
const MAX_CHANGES = 20;

/** Turns the decoded pictures of one file, of any size, colour and orientation into `Frame`s of one size: upright, of the standard range, scaled to cover, cut in the middle. */
export class PictureFitter {
  readonly #widthPx: number;
  readonly #heightPx: number;
  readonly #out = new AvFrame();
  #changes = 0;
  #graph: { key: string; graph: FilterGraph; source: FilterContext; sink: FilterContext } | null = null;

  constructor(widthPx: number, heightPx: number) {
    this.#widthPx = widthPx;
    this.#heightPx = heightPx;
    this.#out.alloc();
  }

  /**
   * @param picture Borrowed; its colour tags are filled in where they were missing.
   * @throws {AppError} `codec_failed` if FFmpeg cannot convert it, or too many pictures differ in kind.
   */
  async fit(picture: AvFrame): Promise<Frame> {
    if (isHighRange(picture) && picture.colorPrimaries === AVCOL_PRI_UNSPECIFIED) {
      picture.colorPrimaries = AVCOL_PRI_BT2020;
    }
    if (picture.colorSpace === AVCOL_SPC_UNSPECIFIED && /^(yuv|nv|p0)/.test(formatName(picture))) {
      picture.colorSpace = picture.height >= HD_HEIGHT_PX ? AVCOL_SPC_BT709 : AVCOL_SPC_SMPTE170M;
    }
    if (this.#fitsAlready(picture)) return readI420(picture);
    const { source, sink } = await this.#graphFor(picture);
    check(source.buffersrcAddFrameSync(picture, AV_BUFFERSRC_FLAG_KEEP_REF), 'scaling a picture');
    check(await sink.buffersinkGetFrame(this.#out), 'scaling a picture');
    const frame = readI420(this.#out);
    this.#out.unref();
    return frame;
  }

  /** Releases FFmpeg's memory. Idempotent. */
  close(): void {
    this.#graph?.graph.free();
    this.#graph = null;
    this.#out.free();
  }

  #fitsAlready(picture: AvFrame): boolean {
    return (
      picture.format === AV_PIX_FMT_YUV420P &&
      picture.width === this.#widthPx &&
      picture.height === this.#heightPx &&
      picture.colorSpace === AVCOL_SPC_BT709 &&
      picture.colorRange !== AVCOL_RANGE_JPEG &&
      !isHighRange(picture) &&
      pixelAspect(picture) === 1 &&
      turnFilters(picture).length === 0
    );
  }

  async #graphFor(picture: AvFrame) {
    const input =
      `video_size=${picture.width}x${picture.height}:pix_fmt=${formatName(picture)}:time_base=1/90000` +
      `:pixel_aspect=1/1:colorspace=${picture.colorSpace}:range=${picture.colorRange}`;
    const filters = [...turnFilters(picture), ...this.#scaleFilters(picture)];
    const key = [input, ...filters].join();
    if (this.#graph?.key !== key) {
      if (++this.#changes > MAX_CHANGES) {
        throw new AppError('codec_failed', `its size or colours change more than ${MAX_CHANGES} times`);
      }
      this.#graph?.graph.free();
      this.#graph = null;
      this.#graph = { key, ...(await buildGraph(input, filters)) };
    }
    return this.#graph;
  }

  #scaleFilters(picture: AvFrame): string[] {
    const { widthPx, heightPx, isTurned } = orientation(picture);
    const storedAspect = pixelAspect(picture);
    const aspect = this.#widthPx / this.#heightPx / (isTurned ? 1 / storedAspect : storedAspect);
    const cutWidth = Math.min(widthPx, Math.round(heightPx * aspect));
    const cutHeight = Math.min(heightPx, Math.round(widthPx / aspect));
    const crop = `crop=w=${Math.max(2, cutWidth)}:h=${Math.max(2, cutHeight)}:exact=0`;
    const size = `w=${this.#widthPx}:h=${this.#heightPx}`;
    if (isHighRange(picture)) return [crop, ...toneFilters(size)];
    return [
      ...(hasAlpha(picture) ? GREY_BEHIND : []),
      crop,
      `scale=${size}:flags=bicubic+accurate_rnd+full_chroma_int:out_color_matrix=bt709:out_range=limited`,
      'format=pix_fmts=yuv420p',
    ];
  }
}

/**
 * Brings PQ and HLG (ITU-R BT.2100) into the standard range: what is as bright as a white sheet of paper (203 nits, BT.2408) or
 * darker stays as it is, seven tenths of it exactly, and what is brighter is pressed into the rest.
 */
function toneFilters(size: string): string[] {
  return [
    `zscale=${size}:filter=bicubic`,
    'zscale=transfer=linear:npl=203',
    'format=pix_fmts=gbrpf32le',
    'zscale=primaries=bt709',
    'tonemap=tonemap=mobius:param=0.7:desat=0',
    'zscale=transfer=bt709:matrix=bt709:range=limited',
    'format=pix_fmts=yuv420p',
  ];
}

/** Size in pixels of a picture as it is meant to be seen, upright. */
export function displaySize(picture: AvFrame): { widthPx: number; heightPx: number } {
  const { widthPx, heightPx } = orientation(picture);
  return { widthPx, heightPx };
}

/** Whether the picture's brightness goes beyond the standard range. */
function isHighRange({ colorTrc }: AvFrame): boolean {
  return colorTrc === AVCOL_TRC_SMPTE2084 || colorTrc === AVCOL_TRC_ARIB_STD_B67;
}

function orientation(picture: AvFrame): { widthPx: number; heightPx: number; isTurned: boolean } {
  const { width, height } = picture;
  const isTurned = turnFilters(picture).some((filter) => filter.startsWith('transpose'));
  return { widthPx: isTurned ? height : width, heightPx: isTurned ? width : height, isTurned };
}

/** Width of a stored pixel by its height; 1 if the file does not say. */
function pixelAspect(picture: AvFrame): number {
  const { num, den } = picture.sampleAspectRatio;
  return num > 0 && den > 0 ? num / den : 1;
}

async function buildGraph(input: string, filters: readonly string[]) {
  const graph = new FilterGraph();
  graph.alloc();
  graph.nbThreads = 1;
  try {
    const chain = [`buffer=${input}`, ...filters, 'buffersink'].map((text, i) => {
      const [name, ...options] = text.split('=');
      const filter = Filter.getByName(name);
      const context = filter && graph.createFilter(filter, `${name}${i}`, options.join('=') || null);
      if (!context) throw new AppError('codec_failed', `FFmpeg refused the filter ${text}`);
      return context;
    });
    for (let i = 1; i < chain.length; i++) check(chain[i - 1].link(0, chain[i], 0), `linking filter ${i}`);
    check(await graph.config(), `preparing to scale (${filters.join(', ')})`);
    return { graph, source: chain[0], sink: chain[chain.length - 1] };
  } catch (error) {
    graph.free();
    throw error;
  }
}

/** Filters that bring a picture upright which a phone or camera recorded turned (display matrix, ISO 14496-12 §8.3.2; EXIF). */
function turnFilters(picture: AvFrame): string[] {
  const bytes = picture.getSideData(AV_FRAME_DATA_DISPLAYMATRIX);
  if (!bytes || bytes.length < 36) return [];
  const m = Array.from({ length: 9 }, (_, i) => bytes.readInt32LE(i * 4));
  const degrees = (Math.atan2(m[1] / Math.hypot(m[1], m[4]), m[0] / Math.hypot(m[0], m[3])) * 180) / Math.PI;
  if (!Number.isFinite(degrees)) return [];
  switch ((Math.round(degrees / 90) + 4) % 4) {
    case 1:
      return [`transpose=dir=${m[3] > 0 ? 'cclock_flip' : 'clock'}`];
    case 2:
      return [...(m[0] < 0 ? ['hflip'] : []), ...(m[4] < 0 ? ['vflip'] : [])];
    case 3:
      return [`transpose=dir=${m[3] < 0 ? 'clock_flip' : 'cclock'}`];
    default:
      return m[4] < 0 ? ['vflip'] : [];
  }
}

function hasAlpha(picture: AvFrame): boolean {
  return /^(rgba|bgra|argb|abgr|yuva|gbrap|ya\d|pal8)/.test(formatName(picture));
}

function formatName(picture: AvFrame): string {
  return avGetPixFmtName(picture.format as Parameters<typeof avGetPixFmtName>[0]) ?? 'unknown';
}
