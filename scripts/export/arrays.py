"""Arrays in two files that TypeScript reads with nothing but JSON and gzip: `<name>.json` says where each lies, `<name>.bin.gz` holds them.

Every array: `type` (float32, int32, int16, uint8), `shape`, then every `stride`-th value of it, row-major, `count` in all, little-endian, from byte
`offset` of the unpacked file on.
"""
import gzip
import json
import os

import numpy as np

TYPES = {'float32': '<f4', 'int32': '<i4', 'int16': '<i2', 'uint8': 'u1'}


class Arrays:
    def __init__(self):
        self.told, self.bytes = {}, bytearray()

    def add(self, name, value, most=None):
        """Keeps `value`; of more than `most` values every n-th alone, n odd so that all channels take turns."""
        value = np.ascontiguousarray(value)
        stride = 1 if most is None else max(1, -(-value.size // most)) | 1
        picked = value.reshape(-1)[::stride].astype(TYPES[str(value.dtype)])
        self.bytes += b'\0' * (-len(self.bytes) % 4)
        self.told[name] = {'type': str(value.dtype), 'shape': list(value.shape), 'stride': stride, 'count': picked.size, 'offset': len(self.bytes)}
        self.bytes += picked.tobytes()

    def write(self, folder, name, told):
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, f'{name}.json'), 'w') as file:
            json.dump({**told, 'arrays': self.told}, file, indent=1)
            file.write('\n')
        with open(os.path.join(folder, f'{name}.bin.gz'), 'wb') as file:
            file.write(gzip.compress(bytes(self.bytes), 9, mtime=0))


def read(folder, name):
    """What `write` was told, and the arrays by name, each as its picked values in one row."""
    with open(os.path.join(folder, f'{name}.json')) as file:
        told = json.load(file)
    with gzip.open(os.path.join(folder, f'{name}.bin.gz')) as file:
        data = file.read()
    return told, {key: np.frombuffer(data, TYPES[at['type']], at['count'], at['offset']) for key, at in told['arrays'].items()}
