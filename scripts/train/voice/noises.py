"""What else a microphone hears. Every function: (rng, n samples at 16 kHz) -> float32 [n], any level; rng is numpy's."""
import numpy as np

from features import HZ


def coloured(rng, n, slope):
    """noise of power falling with frequency to the `slope`, rms 1: 0 white, 1 pink, 2 brown"""
    spectrum = np.fft.rfft(rng.standard_normal(n))
    spectrum /= np.maximum(np.arange(len(spectrum)) * HZ / n, 30) ** (slope / 2)
    return unit(np.fft.irfft(spectrum, n)).astype(np.float32)


def unit(x):
    return x / (np.sqrt((x ** 2).mean()) + 1e-9)


def white(rng, n):
    return coloured(rng, n, 0)


def pink(rng, n):
    return coloured(rng, n, rng.uniform(0.4, 2))


def hum(rng, n):
    t, base = np.arange(n) / HZ, rng.choice([50, 60, 100, 120])
    return sum(rng.uniform(0, 1) / k * np.sin(2 * np.pi * base * k * t + k) for k in range(1, 8)).astype(np.float32)


def fan(rng, n):
    """a motor's tone and its air, through a case that rings"""
    hz = np.fft.rfftfreq(n, 1 / HZ)
    air = np.fft.rfft(coloured(rng, n, rng.uniform(0.5, 1.5)))
    for _ in range(4):
        centre = rng.uniform(80, 3000)
        air *= 1 + rng.uniform(0, 6) * np.exp(-((hz - centre) / (0.1 * centre)) ** 2)
    return (unit(np.fft.irfft(air, n)) + rng.uniform(0, 1) * unit(hum(rng, n))).astype(np.float32)


def traffic(rng, n):
    """cars that come and go: brown noise that swells, each with its own colour"""
    out, t = np.zeros(n, np.float32), np.arange(n)
    for _ in range(rng.integers(2, 6)):
        middle, width = rng.uniform(0, n), rng.uniform(0.3, 2.5) * HZ
        out += coloured(rng, n, rng.uniform(0.8, 2)) * np.exp(-((t - middle) / width) ** 2) * rng.uniform(0.3, 1)
    return out + 0.05 * coloured(rng, n, 1.5)


def tones(rng, n):
    """music: notes and chords that start and stop, some with vibrato, some over a beat"""
    out, at, vibrato = np.zeros(n, np.float32), 0, rng.choice([0, 0, rng.uniform(0.002, 0.02)])
    while at < n:
        length = min(n - at, int(rng.uniform(0.1, 0.8) * HZ))
        t = np.arange(length) / HZ
        wave = 2 * np.pi * (t + vibrato / 6 * np.sin(2 * np.pi * 6 * t) / 6)
        for _ in range(rng.integers(1, 4)):
            hz = 55 * 2 ** (rng.integers(0, 60) / 12)
            decay, bright = np.exp(-t * rng.uniform(0, 6)) * np.minimum(1, t / 0.01), rng.uniform(0.7, 2)
            for k in range(1, 6):
                if hz * k < 7500:
                    out[at:at + length] += decay * np.sin(hz * k * wave) / k ** bright
        at += length
    if rng.random() < 0.5:
        beat, one = np.zeros(n, np.float32), int(rng.uniform(0.2, 0.6) * HZ)
        for k, at in enumerate(range(0, n - one, one)):
            length = min(one, int(0.15 * HZ))
            beat[at:at + length] += coloured(rng, length, 2 * (k % 2 == 0)) * np.exp(-np.arange(length) / (length / 5))
        out = unit(out) + rng.uniform(0.2, 1.5) * unit(beat)
    return out.astype(np.float32)


def clicks(rng, n):
    """keys and knocks"""
    out = np.zeros(n, np.float32)
    for _ in range(rng.integers(5, 60)):
        at, length = rng.integers(0, n - 3200), rng.integers(80, 1600)
        out[at:at + length] += coloured(rng, length, rng.uniform(0, 2)) * np.exp(-np.arange(length) / (length / 5)) * rng.uniform(0.1, 1)
    return out


def breaths(rng, n):
    """breaths, and coughs: noise through a throat without a voice, slow or in bursts"""
    out, at = np.zeros(n, np.float32), int(rng.uniform(0, 1.5) * HZ)
    while at < n - HZ // 10:
        cough = rng.random() < 0.35
        length = min(n - at, int((rng.uniform(0.08, 0.3) if cough else rng.uniform(0.4, 1.6)) * HZ))
        spectrum, hz = np.fft.rfft(rng.standard_normal(length)), np.fft.rfftfreq(length, 1 / HZ)
        gain = 0.1 + sum(rng.uniform(0.3, 1) * np.exp(-((hz - centre * rng.uniform(0.8, 1.2)) / (0.25 * centre)) ** 2) for centre in (550, 1500, 2600, 4500))
        t = np.arange(length) / length
        shape = np.exp(-5 * t) * np.minimum(1, t * 30) if cough else np.sin(np.pi * t) ** 2
        out[at:at + length] += (np.fft.irfft(spectrum * gain, length) * shape * rng.uniform(0.3, 1) * (3 if cough else 1)).astype(np.float32)
        at += length + int(rng.choice([rng.uniform(0.05, 0.3), rng.uniform(0.4, 2.5)]) * HZ)
    return out


def swells(rng, n):
    """wind: noise that comes and goes"""
    return coloured(rng, n, rng.uniform(0.5, 2)) * np.repeat(rng.random(n * 2 // HZ + 1) ** 2, HZ // 2)[:n].astype(np.float32)


# Kinds beside a voice, and how often; babble (other voices) is the data set's.
BESIDE = [(white, 4), (pink, 4), (hum, 1), (fan, 3), (traffic, 2), (tones, 2.5), (clicks, 2), (swells, 1), ('babble', 3)]
ALONE = [white, pink, hum, fan, traffic, tones, tones, clicks, breaths, breaths, swells]


def any_of(rng, kinds):
    weights = np.array([w for _, w in kinds], float)
    return kinds[rng.choice(len(kinds), p=weights / weights.sum())][0]
