import { MEL_BINS } from '../../server/audio/log-mel.ts';
import { cropAround, faceBox } from '../../server/avatars/musetalk/face-box.ts';
import { FaceEncoder, FaceParser } from '../../server/avatars/musetalk/face-networks.ts';
import { jawRegion, mouthMask } from '../../server/avatars/musetalk/mouth-mask.ts';
import { resizeAsOpenCv } from '../../server/avatars/musetalk/opencv-resize.ts';
import { resizeAsPillow } from '../../server/avatars/musetalk/pillow-resize.ts';
import { type Area, crop, type Pixels } from '../../server/avatars/musetalk/pixels.ts';
import { copyWindow, windowStart } from '../../server/engines/musetalk/feature-windows.ts';
import { WhisperMel } from '../../server/engines/musetalk/whisper-mel.ts';
import { type GraphName, sizeOf } from '../../server/models/musetalk-graphs.ts';
import { type GraphSource, type OpenedGraphs, openGraphs } from '../../server/models/open-graphs.ts';
import { atMost, type Figures } from '../bench/figures.ts';
import { compositeBox } from './composite.ts';
import { type Difference, differenceTo } from './differences.ts';
import type { Kept, KeptArrays } from './kept-arrays.ts';

const FRAMES_PER_SECOND = 25;
const SAMPLE_RATE_HZ = 16_000;
const FEATURE_SAMPLES = 320;

/** How far the numbers of a graph in this precision may be from torch in float32, as a part of the largest. */
const LIMITS = {
  fp32: 1e-3,
  // Half precision has three digits, and a network adds up thousands of such numbers; what counts are the pictures.
  fp16: 1e-2,
} as const;

/**
 * Compares every step of MuseTalk as the server does it with what its own libraries made of the same sound and frames.
 *
 * @param source Graphs of the same weights as those of the reference.
 */
export async function compare(reference: KeptArrays, source: GraphSource, figures: Figures): Promise<void> {
  // One after the other: together, networks of full size would fill ten gigabytes.
  const boxes = compareBoxes(reference, figures);
  const heard = await withGraphs(['whisper-encoder'], source, (graphs) => compareHearing(reference, graphs, figures));
  const seen = await withGraphs(['vae-encoder'], source, (graphs) => compareSeeing(reference, graphs, boxes, figures));
  const masks = await withGraphs(['face-parsing'], source, (graphs) => compareMasks(reference, graphs, boxes, figures));
  await withGraphs(['unet'], source, (graphs) => compareDrawing(reference, graphs, figures));
  await withGraphs(['vae-decoder'], source, (graphs) => compareDecoding(reference, graphs, figures));
  compareCompositing(reference, boxes, figures);
  const own = { heard, boxes, seen, masks };
  await withGraphs(['unet-decoder'], source, (graphs) => compareAll(reference, graphs, own, figures));
}

async function withGraphs<N extends GraphName, T>(
  names: readonly N[],
  source: GraphSource,
  work: (graphs: OpenedGraphs<N>) => Promise<T>,
): Promise<T> {
  const graphs = await openGraphs(names, source);
  try {
    return await work(graphs);
  } finally {
    await graphs.close();
  }
}

/** @returns The windows of the frames shown. */
async function compareHearing(
  reference: KeptArrays,
  { models, facts }: OpenedGraphs<'whisper-encoder'>,
  figures: Figures,
): Promise<Float32Array> {
  const encoder = facts['whisper-encoder'];
  const [width, layers] = [sizeOf(encoder, 'width'), sizeOf(encoder, 'layers')];
  const [positions, melFrames] = [sizeOf(encoder, 'positions'), sizeOf(encoder, 'melFrames')];
  const sound = Float32Array.from(reference.get('sound', 'int16').values, (sample) => sample / 32_768);
  const partSamples = positions * FEATURE_SAMPLES;
  const parts = Math.ceil(sound.length / partSamples);
  const mel = new Float32Array(parts * MEL_BINS * melFrames);
  const hidden = new Float32Array(parts * positions * layers * width);
  for (let part = 0; part < parts; part++) {
    const own = mel.subarray(part * MEL_BINS * melFrames, (part + 1) * MEL_BINS * melFrames);
    new WhisperMel().compute(sound.subarray(part * partSamples, (part + 1) * partSamples), own);
    const size = positions * layers * width;
    await models['whisper-encoder'].run(
      { input_features: { data: own, dims: [1, MEL_BINS, melFrames] } },
      { hidden: { data: hidden.subarray(part * size, (part + 1) * size), dims: [1, positions, layers, width] } },
    );
  }
  const limit = LIMITS[encoder.precision];
  addMillionths(figures, 'log-mel, largest', differenceTo(reference.get('mel', 'float32'), mel).largest, 1e-4);
  const states = differenceTo(reference.get('hidden', 'float32'), hidden);
  addMillionths(figures, 'hidden states, relative', states.relative, limit);

  const frames = Math.floor((sound.length / SAMPLE_RATE_HZ) * FRAMES_PER_SECOND);
  const starts = Int32Array.from({ length: frames }, (_, frame) => windowStart(frame, FRAMES_PER_SECOND));
  figures.add(
    'window indices, unequal',
    differenceTo(reference.get('window_starts', 'int32'), starts).unequal,
    '',
    atMost(0),
  );
  const { values: shown } = reference.get('shown', 'int32');
  const windows = reference.get('windows', 'float32');
  const out = new Float32Array(windows.values.length);
  const size = out.length / shown.length;
  const count = Math.floor(sound.length / FEATURE_SAMPLES);
  for (const [k, frame] of shown.entries()) {
    copyWindow({ data: hidden, layers, width }, starts[frame], count, out.subarray(k * size, (k + 1) * size));
  }
  addMillionths(figures, 'windows, relative', differenceTo(windows, out).relative, limit);
  return out;
}

/** @returns The box of each avatar frame. */
function compareBoxes(reference: KeptArrays, figures: Figures): Area[] {
  const size = { widthPx: avatarFrame(reference, 0).widthPx, heightPx: avatarFrame(reference, 0).heightPx };
  const { values: points, shape } = reference.get('points', 'int32');
  const boxes = Array.from({ length: shape[0] }, (_, i) => {
    const box = faceBox(points.subarray(i * 136, (i + 1) * 136), size);
    if (!box) throw new RangeError(`frame ${i} of the reference has no box`);
    return box;
  });
  const numbers = (areas: readonly Area[]) =>
    Int32Array.from(areas.flatMap(({ left, top, right, bottom }) => [left, top, right, bottom]));
  figures.add('boxes, unequal', differenceTo(reference.get('boxes', 'int32'), numbers(boxes)).unequal, '', atMost(0));
  const around = differenceTo(reference.get('squares', 'int32'), numbers(boxes.map(cropAround)));
  figures.add('expanded squares, unequal', around.unequal, '', atMost(0));
  return boxes;
}

/** @returns The latents of each avatar frame. */
async function compareSeeing(
  reference: KeptArrays,
  { models, facts }: OpenedGraphs<'vae-encoder'>,
  boxes: readonly Area[],
  figures: Figures,
): Promise<Float32Array[]> {
  const side = sizeOf(facts['vae-encoder'], 'image');
  const faces = boxes.map((box, i) => crop(avatarFrame(reference, i), box));
  const crops = faces.map((face) => resizeAsOpenCv(face, side, side, 'lanczos4').data);
  figures.add(
    'LANCZOS4 crops, largest',
    differenceTo(reference.get('crops', 'uint8'), joined(crops)).largest,
    'levels',
    atMost(1),
  );
  const encoder = new FaceEncoder(models['vae-encoder'], facts['vae-encoder']);
  const latents = await encoder.encode(faces.map(swapped));
  const all = Float32Array.from(latents.flatMap((each) => [...each]));
  const limit = LIMITS[facts['vae-encoder'].precision];
  addMillionths(figures, 'latents, relative', differenceTo(reference.get('latents', 'float32'), all).relative, limit);
  return latents;
}

/** @returns The mask of each avatar frame's box. */
async function compareMasks(
  reference: KeptArrays,
  { models, facts }: OpenedGraphs<'face-parsing'>,
  boxes: readonly Area[],
  figures: Figures,
): Promise<Uint8Array[]> {
  const side = sizeOf(facts['face-parsing'], 'parsingImage');
  const squares = boxes.map((box, i) => swapped(crop(avatarFrame(reference, i), cropAround(box))));
  const inputs = squares.map((square) => resizeAsPillow(square, side, side, 'bilinear').data);
  figures.add(
    'parsing input, largest',
    differenceTo(reference.get('parsing_input', 'uint8'), joined(inputs)).largest,
    'levels',
    atMost(1),
  );
  const parser = new FaceParser(models['face-parsing'], facts['face-parsing']);
  const labels: Uint8Array[] = [];
  for (const square of squares) labels.push(await parser.parse(square));
  // Where two labels are nearly as likely, the last digit decides.
  figures.add(
    'labels, unequal',
    differenceTo(reference.get('labels', 'uint8'), joined(labels)).unequal,
    '',
    atMost(1e-3),
  );

  const { masks_from: from } = reference.index;
  const used = from === 'labels' ? labels : split(reference.get(from, 'uint8'));
  const regions = used.map((each) => jawRegion(each));
  const jaws = differenceTo(reference.get('jaw_masks', 'uint8'), joined(regions.map(({ data }) => data)));
  figures.add('jaw masks, unequal', jaws.unequal, '', atMost(from === 'labels' ? 1e-3 : 0));
  const masks = boxes.map((box, i) => mouthMask(regions[i], cropAround(box), box));
  const off = boxes.map((box, i) => differenceTo(whole(maskOf(reference, i, box)), masks[i]).largest);
  figures.add('masks, largest', Math.max(...off), 'levels', atMost(1));
  return masks;
}

/** The UNet on the reference's latents and windows. */
async function compareDrawing(
  reference: KeptArrays,
  { models, facts }: OpenedGraphs<'unet'>,
  figures: Figures,
): Promise<void> {
  const { values: of } = reference.get('shown_of', 'int32');
  const all = reference.get('latents', 'float32');
  const each = all.values.length / all.shape[0];
  const latents = Float32Array.from([...of].flatMap((i) => [...all.values.subarray(i * each, (i + 1) * each)]));
  const windows = reference.get('windows', 'float32');
  const predicted = reference.get('predicted', 'float32');
  const pred = new Float32Array(predicted.values.length);
  await models.unet.run(
    {
      latents: { data: latents, dims: [of.length, ...all.shape.slice(1)] },
      audio: { data: windows.values, dims: windows.shape },
    },
    { pred: { data: pred, dims: predicted.shape } },
  );
  const { precision } = facts.unet;
  addMillionths(figures, 'UNet, relative', differenceTo(predicted, pred).relative, LIMITS[precision]);
}

/** The decoder on the reference's prediction. */
async function compareDecoding(
  reference: KeptArrays,
  { models, facts }: OpenedGraphs<'vae-decoder'>,
  figures: Figures,
): Promise<void> {
  const predicted = reference.get('predicted', 'float32');
  const faces = reference.get('faces', 'uint8');
  const image = new Uint8Array(faces.values.length);
  await models['vae-decoder'].run(
    { latents: { data: predicted.values, dims: predicted.shape } },
    { image: { data: image, dims: faces.shape } },
  );
  const decoded = differenceTo(faces, image);
  figures.add('decoder, mean', decoded.mean, 'levels', atMost(1));
  const isExact = facts['vae-decoder'].precision === 'fp32';
  figures.add('decoder, largest', decoded.largest, 'levels', isExact ? atMost(1) : null);
}

/** The reference's faces with its masks, pasted here. */
function compareCompositing(reference: KeptArrays, boxes: readonly Area[], figures: Figures): void {
  const faces = split(reference.get('faces', 'uint8'));
  const off = [...reference.get('shown_of', 'int32').values].map((frame, k) => {
    const mask = maskOf(reference, frame, boxes[frame]);
    return pasted(reference, k, frame, boxes[frame], faces[k], mask).largest;
  });
  figures.add('composite, largest', Math.max(...off), 'levels', atMost(1));
}

interface Own {
  readonly heard: Float32Array;
  readonly boxes: readonly Area[];
  readonly seen: readonly Float32Array[];
  readonly masks: readonly Uint8Array[];
}

/** From sound and frames to frames with nothing of the reference in between but, of random weights, the labels. */
async function compareAll(
  reference: KeptArrays,
  { models, facts }: OpenedGraphs<'unet-decoder'>,
  { heard, boxes, seen, masks }: Own,
  figures: Figures,
): Promise<void> {
  const { values: of } = reference.get('shown_of', 'int32');
  const { shape } = reference.get('latents', 'float32');
  const side = sizeOf(facts['unet-decoder'], 'image');
  const latents = Float32Array.from([...of].flatMap((frame) => [...seen[frame]]));
  const image = new Uint8Array(of.length * side * side * 3);
  await models['unet-decoder'].run(
    {
      latents: { data: latents, dims: [of.length, ...shape.slice(1)] },
      audio: { data: heard, dims: reference.get('windows', 'float32').shape },
    },
    { image: { data: image, dims: [of.length, side, side, 3] } },
  );
  const bytes = side * side * 3;
  const off = [...of].map((frame, k) =>
    pasted(reference, k, frame, boxes[frame], image.subarray(k * bytes, (k + 1) * bytes), masks[frame]),
  );
  figures.add('sound and frames to frames, mean', Math.max(...off.map(({ mean }) => mean)), 'levels', atMost(1));
  const isExact = facts['unet-decoder'].precision === 'fp32';
  const largest = Math.max(...off.map((each) => each.largest));
  figures.add('sound and frames to frames, largest', largest, 'levels', isExact ? atMost(2) : null);
}

function pasted(
  reference: KeptArrays,
  k: number,
  frame: number,
  box: Area,
  face: Uint8Array,
  mask: Uint8Array,
): Difference {
  const side = Math.sqrt(face.length / 3);
  const picture = { widthPx: side, heightPx: side, channels: 3, data: face };
  const { data } = compositeBox(avatarFrame(reference, frame), picture, box, mask);
  return differenceTo(reference.get(`result_${k}`, 'uint8'), data);
}

/** Adds a figure that is much less than 1. */
function addMillionths(figures: Figures, name: string, value: number, most: number): void {
  figures.add(name, value * 1e6, 'millionths', atMost(Math.round(most * 1e6)));
}

/** BGR. */
function avatarFrame(reference: KeptArrays, index: number): Pixels {
  const frames = reference.get('frames', 'uint8');
  const [, heightPx, widthPx, channels] = frames.shape;
  return { widthPx, heightPx, channels, data: split(frames)[index] };
}

/** The part of a kept mask, which is of the square, that is the box's. */
function maskOf(reference: KeptArrays, frame: number, box: Area): Uint8Array {
  const { values, shape } = reference.get(`mask_${frame}`, 'uint8');
  const around = cropAround(box);
  return crop(
    { widthPx: shape[1], heightPx: shape[0], channels: 1, data: values },
    {
      left: box.left - around.left,
      top: box.top - around.top,
      right: box.right - around.left,
      bottom: box.bottom - around.top,
    },
  ).data;
}

function whole(values: Uint8Array): Kept<Uint8Array> {
  return { shape: [values.length], stride: 1, values };
}

function split({ values, shape }: Kept<Uint8Array>): Uint8Array[] {
  const size = values.length / shape[0];
  return Array.from({ length: shape[0] }, (_, i) => values.subarray(i * size, (i + 1) * size));
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

/** RGB of BGR, and the other way round. */
function swapped(picture: Pixels): Pixels {
  return { ...picture, data: picture.data.map((_, i, all) => all[i - (i % 3) + 2 - (i % 3)]) };
}
