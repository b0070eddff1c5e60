"""MuseTalk from sound and frames to frames, by the libraries that it is made with, every step kept: what `npm run parity` compares with.

  python3 reference.py --narrow --to ../../server/testing/musetalk-parity
  python3 reference.py --random-weights 1 --to ../../out/parity            full size; graphs by convert.py with the same seed
  python3 reference.py --from ../../models/musetalk-originals --to ../../out/parity
Networks are those of diffusers and transformers, in float32 (face-parsing and its weights' names are ours); pictures by OpenCV and PIL.
"""
import argparse
import math

import numpy as np
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import WhisperConfig, WhisperFeatureExtractor, WhisperModel

import convert
import make_narrow
import reference_face as face
import reference_scene as scene
from arrays import Arrays
from build import random_networks
from graphs import LATENT_SCALE, positions
from sizes import FULL, NARROW

FRAMES_PER_SECOND, ROWS_PER_SECOND = 25, 50
LEFT, RIGHT = 2, 2
AVATAR_FRAMES = 3


def unet(sizes):
    return UNet2DConditionModel(
        sample_size=64, in_channels=8, out_channels=4, cross_attention_dim=sizes.width, attention_head_dim=sizes.unet_heads,
        block_out_channels=sizes.unet_channels, norm_num_groups=sizes.unet_groups, layers_per_block=2,
        down_block_types=('CrossAttnDownBlock2D',) * 3 + ('DownBlock2D',), up_block_types=('UpBlock2D',) + ('CrossAttnUpBlock2D',) * 3)


def vae(sizes):
    return AutoencoderKL(block_out_channels=sizes.vae_channels, norm_num_groups=sizes.vae_groups, layers_per_block=2, latent_channels=4,
                         down_block_types=('DownEncoderBlock2D',) * 4, up_block_types=('UpDecoderBlock2D',) * 4)


def whisper(sizes):
    """Its encoder; the decoder, which nothing here uses, is made as small as it gets."""
    return WhisperModel(WhisperConfig(
        d_model=sizes.width, encoder_layers=sizes.whisper_blocks, encoder_attention_heads=sizes.whisper_heads, encoder_ffn_dim=4 * sizes.width,
        max_source_positions=sizes.positions, num_mel_bins=sizes.mel_bins, decoder_layers=1, decoder_attention_heads=sizes.whisper_heads,
        decoder_ffn_dim=8, vocab_size=64, pad_token_id=0, bos_token_id=0, eos_token_id=0, decoder_start_token_id=0, max_target_positions=8)).encoder


THEIRS = {'unet': unet, 'vae': vae, 'whisper': whisper}


def with_weights(name, own, sizes):
    """The library's network with the weights of ours, which has the same names."""
    if name not in THEIRS:
        return own.eval()
    with torch.device('meta'):
        network = THEIRS[name](sizes)
    if name == 'whisper':
        # Their front end and table of positions are parameters as well.
        network = network.to_empty(device='cpu')
    network.load_state_dict(own.state_dict(), assign=True)
    return network.eval()


def log_mel(sound, sizes):
    """float32 [segments, 80, mel frames] of float32 mono at 16 kHz; every segment by itself, the last one padded with zeros."""
    length = sizes.mel_frames * 160
    extractor = WhisperFeatureExtractor(feature_size=sizes.mel_bins, sampling_rate=scene.RATE, hop_length=160,
                                        chunk_length=sizes.mel_frames // 100, n_fft=400)
    parts = [sound[start:start + length] for start in range(0, len(sound), length)]
    return np.concatenate([extractor(part, sampling_rate=scene.RATE, return_tensors='np').input_features for part in parts])


def window_starts(samples):
    """First row of each frame's window, counted from the first row of the sound; rows before it and past its end are zero."""
    frames = math.floor(samples / scene.RATE * FRAMES_PER_SECOND)
    step = ROWS_PER_SECOND / FRAMES_PER_SECOND
    return np.array([math.floor(i * step) - math.ceil(step) * LEFT for i in range(frames)], np.int32)


def windows(hidden, samples, starts, rows):
    """Hidden states [rows, layers, width] -> [frames, rows x layers, width], time first, then layer."""
    step = math.ceil(ROWS_PER_SECOND / FRAMES_PER_SECOND)
    hidden = hidden[:math.floor(samples / scene.RATE * ROWS_PER_SECOND)]
    pads = [np.zeros((step * times, *hidden.shape[1:]), np.float32) for times in (LEFT, 3 * RIGHT)]
    padded = np.concatenate([pads[0], hidden, pads[1]])
    return np.stack([padded[a + step * LEFT:][:rows] for a in starts]).reshape(len(starts), -1, hidden.shape[-1])


def encode(network, crops):
    """Crops uint8 BGR [N, side, side, 3] -> latents [N, 8, ...]: of the upper half alone, then of all."""
    rgb = torch.from_numpy(crops[..., ::-1].astype(np.float32) / np.float32(255)).permute(0, 3, 1, 2)
    masked = rgb.clone()
    masked[:, :, rgb.shape[2] // 2:] = 0
    read = lambda image: network.encode((image - 0.5) / 0.5).latent_dist.mode() * LATENT_SCALE
    return torch.cat([read(masked), read(rgb)], 1)


def decode(network, latents):
    rgb = network.decode(latents / LATENT_SCALE).sample
    return ((rgb / 2 + 0.5).clamp(0, 1).permute(0, 2, 3, 1).numpy() * 255).round().astype(np.uint8)[..., ::-1]


def mirror(count, i):
    """Which of `count` frames is the i-th of a cycle that goes forth and back, showing both ends twice."""
    turn, at = divmod(i, count)
    return at if turn % 2 == 0 else count - 1 - at


@torch.no_grad()
def run(networks, sizes, sound, frames, points, shown, *, draws_labels, most=None):
    """Everything, step by step.

    @param networks Pairs of name and network of ours, one after the other. @param sound int16 mono at 16 kHz.
    @param frames uint8 BGR [N, H, W, 3]. @param points int32 [N, 68, 2]. @param shown Which frames of the result to make.
    @param draws_labels Masks come from the scene's labels: those of random weights mean nothing. @param most Values kept of big arrays.
    """
    kept = Arrays()
    height, width = frames.shape[1:3]
    kept.add('sound', sound), kept.add('frames', frames), kept.add('points', points)
    boxes = [face.face_box(p, height, width) for p in points]
    squares = [face.square_around(box) for box in boxes]
    crops = np.stack([face.face_crop(frame, box, sizes.image) for frame, box in zip(frames, boxes)])
    kept.add('boxes', np.array(boxes, np.int32)), kept.add('squares', np.array(squares, np.int32)), kept.add('crops', crops)

    starts = window_starts(len(sound))
    mel = log_mel(sound / np.float32(32768), sizes)
    kept.add('mel', mel, most), kept.add('window_starts', starts)
    shown = [i if i >= 0 else len(starts) + i for i in shown]
    of = [mirror(len(frames), i) for i in shown]
    kept.add('shown', np.array(shown, np.int32)), kept.add('shown_of', np.array(of, np.int32))
    drawn = np.stack([scene.labels(i, square) for i, square in enumerate(squares)]) if draws_labels else None

    for name, own in networks:
        network = with_weights(name, own, sizes)
        if name == 'whisper':
            hidden = torch.cat([torch.stack(network(torch.from_numpy(part[None]), output_hidden_states=True).hidden_states, 2) for part in mel])
            heard = windows(hidden.flatten(0, 1).numpy(), len(sound), starts, sizes.window)[shown]
            kept.add('hidden', hidden.numpy(), most), kept.add('windows', heard)
        elif name == 'vae':
            latents = encode(network, crops)
            kept.add('latents', latents.numpy())
            drawer = network
        elif name == 'unet':
            speak = network
        elif name == 'parsing':
            pictures = [face.parsing_input(frame, square, sizes.parsing_image) for frame, square in zip(frames, squares)]
            seen = np.stack([network(torch.from_numpy(face.normalised(p)))[0].argmax(0).numpy().astype(np.uint8) for p in pictures])
            kept.add('parsing_input', np.stack(pictures), most), kept.add('labels', seen, most)

    audio = torch.from_numpy(heard) + positions(sizes.audio_rows, sizes.width)
    predicted = torch.cat([speak(latents[f:f + 1], torch.tensor([0]), encoder_hidden_states=audio[k:k + 1]).sample for k, f in enumerate(of)])
    faces = np.concatenate([decode(drawer, predicted[k:k + 1]) for k in range(len(of))])
    kept.add('predicted', predicted.numpy()), kept.add('faces', faces)

    if drawn is not None:
        kept.add('drawn_labels', drawn)
    jaws = [face.jaw_mask(labels) for labels in (seen if drawn is None else drawn)]
    kept.add('jaw_masks', np.stack(jaws))
    masks = [face.paste_mask(*parts) for parts in zip(jaws, boxes, squares)]
    for i, mask in enumerate(masks):
        kept.add(f'mask_{i}', mask)
    for k, f in enumerate(of):
        result = face.paste(frames[f], faces[k], boxes[f], squares[f], masks[f])
        x1, y1, x2, y2 = boxes[f]
        untouched = result.copy()
        untouched[y1:y2, x1:x2] = frames[f, y1:y2, x1:x2]
        if not np.array_equal(untouched, frames[f]):
            raise AssertionError(f'reference: frame {shown[k]} changed outside of the box {boxes[f]}')
        kept.add(f'result_{k}', result[y1:y2, x1:x2])
    return kept


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument('--narrow', action='store_true', help='the narrow networks of make_narrow.py')
    source.add_argument('--random-weights', type=int, metavar='SEED', help='networks of full size, as of convert.py --random-weights')
    source.add_argument('--from', dest='source', help='folder of the published files')
    parser.add_argument('--to', required=True, help='folder to write parity.json and parity.bin.gz to')
    args = parser.parse_args()
    sizes = NARROW if args.narrow else FULL
    if args.source is not None:
        networks = convert.published_networks(args.source, sizes, convert.wanted_networks(fast=False, parsing=True), print)
    else:
        networks = (pair for pair in random_networks(sizes, make_narrow.SEED if args.narrow else args.random_weights) if pair[0] != 'fast')
    # The narrow networks hear 3 s at a time, the real ones 30: both are made to hear two parts.
    seconds = 1.1 * sizes.mel_frames / 100
    frames, points = (np.stack([make(i) for i in range(AVATAR_FRAMES)]) for make in (scene.frame, scene.points))
    kept = run(networks, sizes, scene.sound(seconds), frames, points, shown=(0, 4, -1), draws_labels=args.source is None, most=4096)
    kept.write(args.to, 'parity', {
        'format': 1, 'model': sizes.model, 'weights': 'published' if args.source else 'random', 'masks_from': 'labels' if args.source else 'drawn_labels'})


if __name__ == '__main__':
    main()
