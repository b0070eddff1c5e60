"""The published weights -> the graphs that the engine runs.

  python3 convert.py --from ../../models/musetalk-originals --to ../../models/musetalk
  python3 convert.py --random-weights 1 --to ../../out/musetalk-random         to try everything without them: what it draws is noise
Takes about 12 GB of memory and 10 minutes. Each graph is compared with torch; beyond the limits of check.py nothing is kept.
"""
import argparse
import os
import sys

import torch

import originals
from build import NETWORKS, build, random_networks
from check import GraphDiffers
from sizes import FULL, FULL_PARAMETERS


def published_networks(folder, sizes, wanted, say=lambda text: None):
    """Networks with the published weights, one after the other: name and network. @raises originals.OriginalsWrong"""
    for name in wanted:
        path = os.path.join(folder, originals.FILES[name])
        say(f'reading {path}')
        with torch.device('meta'):
            network = NETWORKS[name](sizes)
        # What the file does not hold stays without memory; batch counters are all that may.
        network = originals.fill(network, originals.read(folder, name), path)
        for part in network.modules():
            if isinstance(part, torch.nn.BatchNorm2d):
                part.num_batches_tracked = torch.zeros((), dtype=torch.long)
        yield name, network


def wanted_networks(*, fast, parsing):
    return [name for name in NETWORKS if (fast or name != 'fast') and (parsing or name != 'parsing')]


def convert(source, to, sizes, *, precision, fast=False, parsing=True, say=lambda text: None):
    """Reads the originals in the folder `source`, writes the graphs to `to`; returns the report. @raises originals.OriginalsWrong"""
    wanted = wanted_networks(fast=fast, parsing=parsing)
    problems = originals.missing(source, wanted)
    if problems:
        raise originals.OriginalsWrong(f'{len(problems)} file(s) to convert are not there:\n  ' + '\n  '.join(problems)
                                       + '\nFetch them with `npm run fetch-models -- musetalk`, or copy them there.')
    hashes = {name: originals.sha256(os.path.join(source, originals.FILES[name])) for name in wanted}
    if sizes is FULL and hashes['unet'] != originals.UNET_SHA256:
        say(f'{originals.FILES["unet"]} is not the published file: expected SHA-256 {originals.UNET_SHA256}, got {hashes["unet"]}; converting it all the same')
    return build(published_networks(source, sizes, wanted, say), sizes, to, precision=precision, weights='published', hashes=hashes, say=say)


def right_size(networks):
    """Passes networks of full size on, once their numbers of parameters are those of the published ones."""
    for name, network in networks:
        count, expected = sum(p.numel() for p in network.parameters()), FULL_PARAMETERS.get(name)
        if expected is not None and count != expected:
            raise AssertionError(f'nets: {name} must have {expected} parameters, has {count}')
        yield name, network


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument('--from', dest='source', help='folder of the published files')
    source.add_argument('--random-weights', type=int, metavar='SEED', help='random weights in place of published ones')
    parser.add_argument('--to', required=True, help='folder to write to')
    parser.add_argument('--precision', choices=('fp16', 'fp32'), default='fp16')
    parser.add_argument('--without-parsing', action='store_true', help='no face-parsing; masks are then the outline of the jaw')
    parser.add_argument('--fast', action='store_true', help='also the small decoder, from taesd/taesd_decoder.pth')
    args = parser.parse_args()
    chosen = {'fast': args.fast, 'parsing': not args.without_parsing}
    try:
        if args.source is not None:
            convert(args.source, args.to, FULL, precision=args.precision, **chosen, say=print)
        else:
            wanted = wanted_networks(**chosen)
            networks = (pair for pair in random_networks(FULL, args.random_weights) if pair[0] in wanted)
            build(right_size(networks), FULL, args.to, precision=args.precision, weights='random', hashes={}, say=print)
    except (originals.OriginalsWrong, GraphDiffers) as error:
        sys.exit(f'convert: {error}')


if __name__ == '__main__':
    main()
