import type { Manifest } from './manifest.ts';

const MUSETALK = 'https://huggingface.co/TMElyralab/MuseTalk/resolve/main';
const VAE = 'https://huggingface.co/stabilityai/sd-vae-ft-mse/resolve/main';
const WHISPER = 'https://huggingface.co/openai/whisper-tiny/resolve/main';
const DWPOSE = 'https://huggingface.co/yzd-v/DWPose/resolve/main';
const FACE_PARSING =
  'https://drive.usercontent.google.com/download?id=154JgKpzCPW82qINcVieuPH3fZ2e0P812&export=download&confirm=t';

const SMALL = [20, 1_000_000] as const;

/**
 * The published files that MuseTalk 1.5 is converted from, under the names that the converter looks for. Sizes and checksums
 * are those that their publishers or users have told; the rest is null, checked for plausibility alone, and said to be so.
 */
export const MUSETALK_MANIFEST: Manifest = {
  folder: 'models/musetalk-originals',
  licences: [
    {
      name: 'MuseTalk',
      terms:
        'The README allows any use, commercial too; the model card says CreativeML OpenRAIL-M, which forbids some uses. Read both.',
      url: 'https://huggingface.co/TMElyralab/MuseTalk',
    },
    { name: 'sd-vae-ft-mse', terms: 'MIT.', url: 'https://huggingface.co/stabilityai/sd-vae-ft-mse' },
    { name: 'whisper-tiny', terms: 'Apache 2.0.', url: 'https://huggingface.co/openai/whisper-tiny' },
    {
      name: 'face-parsing',
      terms: 'The code is MIT; the weights were trained on CelebAMask-HQ, which is for non-commercial research.',
      url: 'https://github.com/zllrunning/face-parsing.PyTorch',
    },
    { name: 'TAESD', terms: 'MIT.', url: 'https://github.com/madebyollin/taesd' },
    { name: 'DWPose', terms: 'Apache 2.0.', url: 'https://huggingface.co/yzd-v/DWPose' },
  ],
  files: [
    {
      path: 'musetalkV15/musetalk.json',
      url: `${MUSETALK}/musetalkV15/musetalk.json`,
      licence: 'MuseTalk',
      sizeBytes: null,
      plausibleBytes: SMALL,
      sha256: null,
    },
    {
      path: 'musetalkV15/unet.pth',
      url: `${MUSETALK}/musetalkV15/unet.pth`,
      licence: 'MuseTalk',
      sizeBytes: null,
      plausibleBytes: [3_390_000_000, 3_410_000_000],
      sha256: '7ebf6c98c181e20838e4c0054e96e944ac60d5d692cc01db42839fe11b787007',
    },
    {
      path: 'sd-vae/config.json',
      url: `${VAE}/config.json`,
      licence: 'sd-vae-ft-mse',
      sizeBytes: 547,
      plausibleBytes: SMALL,
      sha256: null,
    },
    {
      path: 'sd-vae/diffusion_pytorch_model.bin',
      url: `${VAE}/diffusion_pytorch_model.bin`,
      licence: 'sd-vae-ft-mse',
      sizeBytes: null,
      plausibleBytes: [330_000_000, 340_000_000],
      sha256: null,
    },
    {
      path: 'whisper/config.json',
      url: `${WHISPER}/config.json`,
      licence: 'whisper-tiny',
      sizeBytes: null,
      plausibleBytes: SMALL,
      sha256: null,
    },
    {
      path: 'whisper/preprocessor_config.json',
      url: `${WHISPER}/preprocessor_config.json`,
      licence: 'whisper-tiny',
      sizeBytes: null,
      plausibleBytes: SMALL,
      sha256: null,
    },
    {
      path: 'whisper/pytorch_model.bin',
      url: `${WHISPER}/pytorch_model.bin`,
      licence: 'whisper-tiny',
      sizeBytes: null,
      plausibleBytes: [140_000_000, 160_000_000],
      sha256: null,
    },
    {
      path: 'face-parse-bisent/79999_iter.pth',
      url: FACE_PARSING,
      licence: 'face-parsing',
      sizeBytes: null,
      plausibleBytes: [50_000_000, 56_000_000],
      sha256: null,
    },
    {
      path: 'taesd/taesd_decoder.pth',
      url: 'https://raw.githubusercontent.com/madebyollin/taesd/main/taesd_decoder.pth',
      licence: 'TAESD',
      isOptional: true,
      sizeBytes: null,
      plausibleBytes: [4_000_000, 6_000_000],
      sha256: null,
    },
    {
      path: 'dwpose/dw-ll_ucoco_384.onnx',
      url: `${DWPOSE}/dw-ll_ucoco_384.onnx`,
      licence: 'DWPose',
      isOptional: true,
      sizeBytes: 134_399_116,
      plausibleBytes: [134_399_116, 134_399_116],
      sha256: '724f4ff2439ed61afb86fb8a1951ec39c6220682803b4a8bd4f598cd913b1843',
    },
  ],
  next: 'Convert them: python scripts/export/convert.py --from models/musetalk-originals --to models/musetalk',
};
