"""The server's log-mel (server/audio/log-mel.ts) in Python, and its proof.

log_mel(samples) -> float32 [n, 80]: row k looks at samples [160 k - 240, 160 k + 160) at 16 kHz; log10(max(mel, 1e-10)).
  python3 features.py --golden golden-mel.json        # rows of a test signal; features.test.ts holds the server to them
"""
import argparse
import json

import numpy as np

HOP, WINDOW, BINS, HZ = 160, 400, 80, 16000


def _filters():
    """Slaney's 80 triangles from 0 to 8 kHz -> [201, 80]"""
    def to_hz(mel):
        return np.where(mel < 15, mel * 200 / 3, 1000 * np.exp((mel - 15) * np.log(6.4) / 27))
    top = 15 + np.log(HZ / 2 / 1000) * 27 / np.log(6.4)
    edges = to_hz(top * np.arange(BINS + 2) / (BINS + 1))
    hz = np.arange(WINDOW // 2 + 1)[:, None] * HZ / WINDOW
    low, mid, high = edges[:-2], edges[1:-1], edges[2:]
    return np.maximum(0, np.minimum((hz - low) / (mid - low), (high - hz) / (high - mid))) * 2 / (high - low)


_FILTERS = _filters()
_HANN = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)


def log_mel(samples):
    padded = np.concatenate([np.zeros(WINDOW - HOP, np.float32), samples]).astype(np.float64)
    rows = (len(padded) - WINDOW) // HOP + 1
    windows = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP][:rows]
    power = np.abs(np.fft.rfft(windows * _HANN, axis=1)) ** 2
    return np.log10(np.maximum(power @ _FILTERS, 1e-10)).astype(np.float32)


def golden_signal():
    """20 ms of silence, then a rising tone with a softer, higher one: 0.2 s in all"""
    t = np.arange(3200) / HZ
    return np.where(t < 0.02, 0, 0.3 * np.sin(2 * np.pi * (200 * t + 9000 * t * t)) + 0.02 * np.sin(2 * np.pi * 5100 * t)).astype(np.float32)


if __name__ == '__main__':
    p = argparse.ArgumentParser()
    p.add_argument('--golden', required=True)
    a = p.parse_args()
    rows = log_mel(golden_signal())
    with open(a.golden, 'w') as f:
        json.dump({'rows': {str(k): [round(float(v), 4) for v in rows[k]] for k in (0, 2, 3, 9, 19)}}, f)
        f.write('\n')
