"""How fast MuseTalk's own loop runs in torch on this machine: what `npm run bench -- musetalk --beside` puts our figures next to.

  python3 torch_speed.py --random-weights 1 --device cuda --to ../../out/torch-speed.json
  python3 torch_speed.py --narrow --device cpu --to ../../out/torch-speed.json
Per frame as there: positions added, one pass of the UNet, one of the decoder, the picture as bytes in the memory of the CPU. diffusers' networks;
half precision on a GPU, float32 on a CPU. Run it on an idle device, right before or after the bench.
"""
import argparse
import json
import time

import torch

import make_narrow
import reference
from build import random_networks
from graphs import LATENT_SCALE, positions
from sizes import FULL, NARROW

BATCHES = (1, 2, 4, 8, 16)
MATRIX = 8192                   # rows and columns; of a CPU an eighth


def matrix_rate(device, kind):
    """Multiplications and additions per second of one big matrix product, the best of ten."""
    size = MATRIX if device == 'cuda' else MATRIX // 8
    a, b = (torch.randn(size, size, device=device).to(kind) for _ in range(2))
    return 2 * size**3 / min(seconds(device, lambda: a @ b) for _ in range(10))


def seconds(device, work):
    begin = time.perf_counter()
    work()
    if device == 'cuda':
        torch.cuda.synchronize()
    return time.perf_counter() - begin


@torch.inference_mode()
def draw(unet, vae, table, latents, audio):
    """[B, 8, ...] latents and [B, rows, width] audio -> uint8 [B, H, W, 3] in the CPU's memory."""
    told = audio + table
    predicted = unet(latents, torch.tensor([0], device=latents.device), encoder_hidden_states=told).sample
    rgb = vae.decode(predicted / LATENT_SCALE).sample
    return ((rgb / 2 + 0.5).clamp(0, 1).permute(0, 2, 3, 1).float() * 255).round().to(torch.uint8).cpu()


def measure(networks, sizes, device, *, measured_s=5.0):
    """@param networks Pairs of name and network of ours; `unet` and `vae` are used. @returns What is written to the file."""
    kind = torch.float16 if device == 'cuda' else torch.float32
    theirs = {name: reference.with_weights(name, own, sizes).to(device, kind) for name, own in networks if name in ('unet', 'vae')}
    table = positions(sizes.audio_rows, sizes.width).to(device, kind)
    rows = []
    for batch in BATCHES:
        latents = torch.randn(batch, 8, sizes.latent, sizes.latent, device=device).to(kind)
        audio = torch.randn(batch, sizes.audio_rows, sizes.width, device=device).to(kind)
        once = lambda: draw(theirs['unet'], theirs['vae'], table, latents, audio)
        for _ in range(3 if device == 'cuda' else 1):
            once()
        times = []
        while sum(times) < measured_s and len(times) < 500:
            times.append(seconds(device, once))
        times.sort()
        rows.append({'batch': batch, 'ms': 1000 * times[len(times) // 2], 'frames_per_second': batch / times[len(times) // 2], 'runs': len(times)})
        print(rows[-1], flush=True)
    name = torch.cuda.get_device_name() if device == 'cuda' else f'CPU, {torch.get_num_threads()} threads'
    return {'format': 1, 'device': name, 'precision': str(kind).removeprefix('torch.'), 'torch': torch.__version__, 'latent': sizes.latent,
            'matrix_flops': matrix_rate(device, kind), 'rows': rows}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument('--narrow', action='store_true', help='the narrow networks of make_narrow.py')
    source.add_argument('--random-weights', type=int, metavar='SEED', help='networks of full size; speed does not ask what the weights are')
    parser.add_argument('--device', choices=('cuda', 'cpu'), required=True)
    parser.add_argument('--to', required=True, help='file to write')
    args = parser.parse_args()
    if args.device == 'cuda' and not torch.cuda.is_available():
        parser.error('--device cuda: torch finds no GPU here; install a torch with CUDA, or measure --device cpu')
    sizes = NARROW if args.narrow else FULL
    measured = measure(random_networks(sizes, make_narrow.SEED if args.narrow else args.random_weights), sizes, args.device)
    with open(args.to, 'w') as file:
        json.dump(measured, file, indent=1)
        file.write('\n')


if __name__ == '__main__':
    main()
