"""Golden outputs, against which the server checks each execution provider before it uses it.

`golden.json` says for each graph how its inputs are made (a formula, no data), what comes out by torch in float32, and how far off an
execution provider may be; samples of the outputs lie in `golden.bin` as little-endian float32.

Input `seed, low, high`: s = seed; for each value s = (1664525 s + 1013904223) mod 2^32, value = low + (high - low) s / 2^32 in float64,
then rounded to float32. Row-major.
Output: every `stride`-th value from the first, `count` of them, from byte `offset` of golden.bin on.
"""
import json
import os

import numpy as np
import torch

from graphs import example

SAMPLES = 1024

# name of an input -> lowest and highest value; about what the networks see.
RANGES = {'input_features': (-1.0, 1.0), 'latents': (-1.5, 1.5), 'audio': (-2.0, 2.0), 'image': (-1.0, 1.0)}

# The most that an output may be off. relative: largest difference / largest expected size. levels: mean difference of uint8.
# mismatch: share of labels that differ. Wide enough for TF32 and fp16 sums; a wrong layout or a lost operator is far outside.
TOLERANCES = {
    'fp32': {'relative': 0.01, 'levels': 0.5, 'mismatch': 0.005},
    'fp16': {'relative': 0.04, 'levels': 1.0, 'mismatch': 0.01},
}


def noise(shape, seed, low, high):
    """float32 array of `shape` by the formula above."""
    count = int(np.prod(shape))
    # Jumps k steps at once: s_k = a^k s + (a^k - 1) / (a - 1) c, kept as running products mod 2^32.
    state, out = np.uint64(seed), np.empty(count, np.float64)
    multiplier, increment, mask = np.uint64(1664525), np.uint64(1013904223), np.uint64(0xFFFFFFFF)
    block = min(count, 4096)
    a, c = np.empty(block, np.uint64), np.empty(block, np.uint64)
    factor, offset = np.uint64(1), np.uint64(0)
    for k in range(block):
        factor, offset = factor * multiplier & mask, offset * multiplier + increment & mask
        a[k], c[k] = factor, offset
    for start in range(0, count, block):
        states = (a * state + c) & mask
        part = states[:min(block, count - start)]
        out[start:start + len(part)] = part
        state = states[-1]
    return (low + (high - low) * out / 2**32).astype(np.float32).reshape(shape)


def inputs(name, sizes, batch=2):
    """Input arrays of the graph `name` by input, and what golden.json says about them."""
    arrays, told = {}, {}
    for i, (key, shape) in enumerate(example(name, sizes, batch).items()):
        low, high = RANGES[key]
        arrays[key] = noise(shape, i + 1, low, high)
        told[key] = {'shape': list(shape), 'seed': i + 1, 'low': low, 'high': high}
    return arrays, told


def outputs(graph, arrays):
    """What torch says, by output."""
    with torch.no_grad():
        values = graph(*(torch.from_numpy(array) for array in arrays.values()))
    values = values if isinstance(values, tuple) else (values,)
    return {key: value.numpy() for key, value in zip(graph.outputs, values)}


class Golden:
    """Collects what torch says; `write` makes both files."""

    def __init__(self, precision, weights):
        self.precision, self.weights, self.graphs, self.bytes = precision, weights, {}, bytearray()

    def add(self, name, told, expected):
        """@param told What `inputs` said. @param expected Arrays by output."""
        self.graphs[name] = {'file': f'{name}.onnx', 'inputs': told, 'outputs': {key: self.sample(key, value) for key, value in expected.items()}}

    def sample(self, key, value):
        flat = value.reshape(-1)
        stride = max(1, len(flat) // SAMPLES)
        stride += stride % 2 == 0                 # odd, so that all channels of a picture take turns
        picked = flat[::stride].astype('<f4')
        offset = len(self.bytes)
        self.bytes += picked.tobytes()
        kind = 'mismatch' if key == 'labels' else 'levels' if value.dtype == np.uint8 else 'relative'
        return {'type': str(value.dtype), 'shape': list(value.shape), 'offset': offset, 'count': len(picked), 'stride': stride,
                'first': [float(v) for v in picked[:4]], 'mean': float(flat.astype(np.float64).mean()), 'max': float(flat.max()),
                'tolerance': {kind: TOLERANCES[self.precision][kind]}}

    def write(self, folder):
        told = {'format': 1, 'precision': self.precision, 'weights': self.weights, 'graphs': self.graphs}
        with open(os.path.join(folder, 'golden.json'), 'w') as file:
            json.dump(told, file, indent=1)
            file.write('\n')
        with open(os.path.join(folder, 'golden.bin'), 'wb') as file:
            file.write(self.bytes)
