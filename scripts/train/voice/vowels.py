"""Vowels and m that are held: what people try first with a talking face, and what speech programs hardly ever say.

stream(rng, samples) -> float32 samples at 16 kHz, phones [(phone, startMs, endMs)]; harmonics of a wandering voice through formants.
"""
import numpy as np

from features import HZ

# Formants in Hz as men say them (Peterson and Barney, 1952, table II); m by its murmur.
FORMANTS = {'iy': (270, 2290, 3010), 'ih': (390, 1990, 2550), 'eh': (530, 1840, 2480), 'ae': (660, 1720, 2410), 'aa': (730, 1090, 2440),
            'ao': (570, 840, 2410), 'uh': (440, 1020, 2240), 'uw': (300, 870, 2240), 'ah': (640, 1190, 2390), 'm': (250, 1100, 2200)}
CONTROL = 80                    # samples between settings of the voice: 5 ms


def stream(rng, samples):
    points = samples // CONTROL
    formants, loud, phones = np.zeros((points, 3)), np.zeros(points), []
    at = int(rng.uniform(0, 200))
    while at < points - 60:
        for _ in range(rng.integers(1, 6)):                     # a breath: sounds that glide into each other
            phone = rng.choice(list(FORMANTS))
            end = min(points, at + int(rng.choice([rng.uniform(20, 60), rng.uniform(60, 300)])))
            formants[at:end] = FORMANTS[phone]
            loud[at:end] = (0.12 if phone == 'm' else 1.0) * 10 ** (rng.uniform(-6, 0) / 20)
            phones.append((str(phone), at * 5.0, end * 5.0))
            at = end
        at += int(rng.uniform(20, 300))
    formants = np.where(formants == 0, 500, formants)
    glide = np.hanning(int(rng.uniform(5, 14)) + 2)
    glide /= glide.sum()
    formants = np.stack([np.convolve(np.pad(f, 20, 'edge'), glide, 'same')[20:-20] for f in formants.T], 1) * rng.uniform(0.9, 1.25)
    loud = np.convolve(loud, glide, 'same')
    t = np.arange(points) * CONTROL / HZ
    hz = rng.uniform(80, 260) * 2 ** (rng.uniform(0, 0.04) * np.sin(2 * np.pi * rng.uniform(3, 7) * t) + 0.15 * np.sin(2 * np.pi * rng.uniform(0.1, 0.6) * t))
    width, tilt = rng.uniform(60, 130), rng.uniform(0.7, 1.6)
    place, control = np.arange(samples), np.arange(points) * CONTROL
    phase = 2 * np.pi * np.cumsum(np.interp(place, control, hz)) / HZ
    out = np.zeros(samples)
    for k in range(1, int(6000 / hz.max()) + 1):
        ratio = k * hz[:, None] / np.concatenate([formants, np.full((points, 1), 3500.0)], 1)
        gain = np.prod(1 / np.hypot(1 - ratio ** 2, ratio * width / np.concatenate([formants, np.full((points, 1), 3500.0)], 1)), 1)
        out += np.interp(place, control, gain * loud / k ** tilt) * np.sin(k * phase + k)
    out += 0.02 * np.abs(out) * rng.standard_normal(samples)     # breath
    return (0.1 * out / (np.sqrt((out[out != 0] ** 2).mean()) + 1e-9)).astype(np.float32), phones
