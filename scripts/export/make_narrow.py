"""The narrow graphs that tests run on -> server/testing/musetalk-narrow.

  python3 make_narrow.py --to ../../server/testing/musetalk-narrow
Same graphs, same inputs and outputs, same names as the real ones; few channels, random weights from a fixed seed.
"""
import argparse

from build import build, random_networks
from sizes import NARROW

SEED = 20


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--to', required=True, help='folder to write to')
    to = parser.parse_args().to
    build(random_networks(NARROW, SEED), NARROW, to, precision='fp32', weights='random', hashes={}, say=print)


if __name__ == '__main__':
    main()
