"""Runs each graph in onnxruntime on the CPU beside torch in float32, and says how far they are apart. Beyond a limit it fails."""
import os
import time

import numpy as np
import onnxruntime

# The most that a graph may be off: as golden.TOLERANCES, but narrower, since nothing but the export lies between.
LIMITS = {
    'fp32': {'relative': 1e-3, 'levels': 0.02, 'mismatch': 1e-4},
    'fp16': {'relative': 2e-2, 'levels': 1.0, 'mismatch': 1e-2},
}


class GraphDiffers(Exception):
    """A graph is further from torch than it may be."""


def differences(expected, found):
    """What the outputs' kind is measured by, and how much."""
    if expected.dtype == np.uint8 and expected.ndim == 3:
        return {'mismatch': float((expected != found).mean())}
    delta = np.abs(expected.astype(np.float64) - found)
    if expected.dtype == np.uint8:
        return {'levels': float(delta.mean()), 'most_levels': float(delta.max())}
    return {'relative': float(delta.max() / np.abs(expected).max())}


def run(path, arrays, outputs):
    """Runs the graph at `path`: arrays by output, seconds to load, seconds to run (the second time)."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    begin = time.perf_counter()
    session = onnxruntime.InferenceSession(path, options, providers=['CPUExecutionProvider'])
    loaded = time.perf_counter()
    session.run(list(outputs), arrays)
    again = time.perf_counter()
    values = session.run(list(outputs), arrays)
    return dict(zip(outputs, values)), loaded - begin, time.perf_counter() - again


def check(folder, name, precision, arrays, expected):
    """Compares the graph `name` with `expected`; returns its line of the report.

    @raises GraphDiffers Says which output, by how much, and what was allowed.
    """
    path = os.path.join(folder, f'{name}.onnx')
    found, load_s, run_s = run(path, arrays, tuple(expected))
    report = {'load_s': round(load_s, 3), 'run_s': round(run_s, 4), 'batch': len(next(iter(arrays.values()))), 'outputs': {}}
    for key, value in expected.items():
        if value.shape != found[key].shape or value.dtype != found[key].dtype:
            raise GraphDiffers(f'{path}: {key} must be {value.dtype} {value.shape}, got {found[key].dtype} {found[key].shape}')
        measured = differences(value, found[key])
        for kind, limit in LIMITS[precision].items():
            if not measured.get(kind, 0) <= limit:
                raise GraphDiffers(f'{path}: {key} differs from torch by {measured[kind]:.3g} ({kind}), expected at most {limit} for '
                                   f'{precision}. Convert with --precision fp32, or report it with the versions of torch and onnx.')
        report['outputs'][key] = measured
    return report
