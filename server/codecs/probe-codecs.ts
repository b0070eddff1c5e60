import {
  FF_DECODER_H264,
  FF_DECODER_LIBOPUS,
  FF_DECODER_MJPEG,
  FF_DECODER_PNG,
  FF_DECODER_VP8,
  FF_ENCODER_AAC,
  FF_ENCODER_LIBOPUS,
  FF_ENCODER_MJPEG,
  FF_ENCODER_PNG,
} from 'node-av/constants';
import { Codec } from 'node-av/lib';
import { VIDEO_ENCODER_NAMES } from './video-encoder-settings.ts';

const ENCODERS = [
  VIDEO_ENCODER_NAMES.H264,
  VIDEO_ENCODER_NAMES.VP8,
  FF_ENCODER_LIBOPUS,
  FF_ENCODER_AAC,
  FF_ENCODER_PNG,
  FF_ENCODER_MJPEG,
];
const DECODERS = [FF_DECODER_LIBOPUS, FF_DECODER_H264, FF_DECODER_VP8, FF_DECODER_PNG, FF_DECODER_MJPEG];

/** @returns One line per codec that the installed FFmpeg lacks and the product needs; empty if all is well. */
export function checkCodecs(): string[] {
  const problems: string[] = [];
  for (const name of ENCODERS) if (!Codec.findEncoderByName(name)) problems.push(missing('encoder', name));
  for (const name of DECODERS) if (!Codec.findDecoderByName(name)) problems.push(missing('decoder', name));
  return problems;
}

function missing(kind: string, name: string): string {
  return `the ${kind} ${name} is missing from node-av; reinstall with optional dependencies (npm ci)`;
}
