"""Speech with phone times -> streams of 12 s as the server hears them, with the mouth's curves.

  python3 dataset.py --speech out/speech --out out/streams-1.npz --seed 1     # run again with other seeds for other rooms and noises
  python3 dataset.py --speech out/slow --held 0.5 --out out/streams-4.npz --seed 4      # half of the streams: held vowels
Output (numpy): x float16 [streams, 1200, 80] log-mel rows, y float16 [streams, 300, 8] parameters, c uint8 [streams, 300] visemes.
A stream is one voice in one room: sentences with pauses, each at its own speed and pitch, then (each by chance) equaliser,
echoes, noise, hum or babble at 5 to 30 dB, a telephone's band, Opus by ffmpeg, clipping, and a gain of -25 to +10 dB.
One stream in twelve has no speech: noise, hum, tones, clicks; there the mouth is closed.
"""
import argparse
import glob
import json
import os
import random
import subprocess
import wave
from fractions import Fraction

import numpy as np
from scipy.signal import fftconvolve, resample_poly

import curves
import vowels
from features import HZ, log_mel

SECONDS, FRAMES = 12, 300
SAMPLES = SECONDS * HZ


def read_wav(path):
    with wave.open(path) as w:
        return np.frombuffer(w.readframes(w.getnframes()), np.int16).astype(np.float32) / 32768, w.getframerate()


def utterance(path, ratio):
    """-> samples at 16 kHz and phones, both `ratio` times as fast and as high"""
    samples, rate = read_wav(path)
    step = Fraction(HZ / (rate * ratio)).limit_denominator(60)
    exact = HZ / (rate * float(step))
    phones = [(p, a / exact, b / exact) for p, a, b in json.load(open(path[:-4] + '.json'))['phones']]
    return resample_poly(samples, step.numerator, step.denominator).astype(np.float32), phones


def speech_stream(paths, rng):
    """-> samples, phones, loudness per frame"""
    out, phones, loud = np.zeros(SAMPLES, np.float32), [], np.zeros(FRAMES, np.float32)
    at, ratio = int(rng.uniform(0, 1.0) * HZ), rng.uniform(0.84, 1.2)
    while True:
        samples, spoken = utterance(paths[rng.randrange(len(paths))], ratio * rng.uniform(0.95, 1.05))
        if at + len(samples) > SAMPLES:
            if at > SAMPLES / 2:
                return out, phones, loud
            samples = samples[:SAMPLES - at]
        samples = samples * (0.1 / (np.sqrt((samples ** 2).mean()) + 1e-6)) * 10 ** (rng.uniform(-6, 6) / 20)
        out[at:at + len(samples)] += samples
        phones += [(p, a + at * 1000 / HZ, b + at * 1000 / HZ) for p, a, b in spoken]
        only = np.zeros(SAMPLES, np.float32)
        only[at:at + len(samples)] = samples
        loud = np.maximum(loud, curves.loudness(only, FRAMES))
        at += len(samples) + int(rng.choice([0, rng.uniform(0, 0.3), rng.uniform(0.3, 2.0)]) * HZ)
        if at >= SAMPLES - HZ // 2:
            return out, phones, loud


def coloured(rng, n, slope):
    """noise of power falling with frequency to the `slope`, rms 1"""
    spectrum = np.fft.rfft(rng.standard_normal(n))
    spectrum /= np.maximum(np.arange(len(spectrum)) * HZ / n, 30) ** (slope / 2)
    noise = np.fft.irfft(spectrum, n)
    return (noise / np.sqrt((noise ** 2).mean())).astype(np.float32)


def hum(rng, n):
    t, base = np.arange(n) / HZ, rng.choice([50, 60, 100, 120])
    return sum(rng.uniform(0, 1) / k * np.sin(2 * np.pi * base * k * t + k) for k in range(1, 8)).astype(np.float32)


def tones(rng, n):
    """notes and chords that start and stop"""
    out, at = np.zeros(n, np.float32), 0
    while at < n:
        length = min(n - at, int(rng.uniform(0.1, 0.8) * HZ))
        t = np.arange(length) / HZ
        for _ in range(rng.integers(1, 4)):
            hz = 55 * 2 ** (rng.integers(0, 60) / 12)
            decay = np.exp(-t * rng.uniform(0, 6)) * np.minimum(1, t / 0.01)
            for k in range(1, 6):
                if hz * k < 7500:
                    out[at:at + length] += decay * np.sin(2 * np.pi * hz * k * t) / k ** rng.uniform(0.7, 2)
        at += length
    return out


def clicks(rng, n):
    """keys and knocks"""
    out = np.zeros(n, np.float32)
    for _ in range(rng.integers(5, 40)):
        at, length = rng.integers(0, n - 3200), rng.integers(80, 1600)
        out[at:at + length] += coloured(rng, length, rng.uniform(0, 2)) * np.exp(-np.arange(length) / (length / 5)) * rng.uniform(0.1, 1)
    return out


def unit(x):
    return x / (np.sqrt((x ** 2).mean()) + 1e-9)


def equalised(rng, x):
    hz = np.fft.rfftfreq(len(x), 1 / HZ)
    octave = np.log2(np.maximum(hz, 40) / 1000)
    gain_db = rng.uniform(-3, 3) * octave
    for _ in range(3):
        gain_db += rng.uniform(-8, 8) * np.exp(-((octave - rng.uniform(-4, 3)) / rng.uniform(0.3, 1.5)) ** 2)
    if rng.random() < 0.3:
        gain_db -= 24 * np.maximum(0, np.log2(rng.uniform(80, 300) / np.maximum(hz, 20)))
    if rng.random() < 0.25:
        gain_db -= 60 * np.maximum(0, np.log2(np.maximum(hz, 1) / rng.choice([3400, 4000, 6000])))
    return np.fft.irfft(np.fft.rfft(x) * 10 ** (np.clip(gain_db, -80, 20) / 20), len(x)).astype(np.float32)


def echoing(rng, x):
    length = int(rng.uniform(0.08, 0.45) * HZ)
    tail = rng.standard_normal(length) * np.exp(-6.9 * np.arange(length) / length) * (rng.random(length) < rng.uniform(0.05, 1))
    tail[0] = 0
    response = tail / np.sqrt((tail ** 2).sum()) * 10 ** (rng.uniform(-20, -1) / 20)
    response[0] = 1
    return fftconvolve(x, response)[:len(x)].astype(np.float32)


def opus(rng, x):
    """what Opus at 12 to 32 kbit/s leaves; the codec's delay is taken out by the container's pre-skip"""
    kbit = rng.choice([12, 16, 24, 32])
    raw = ['-f', 'f32le', '-ar', str(HZ), '-ac', '1']
    quiet = ['ffmpeg', '-v', 'error', '-threads', '1']
    packed = subprocess.run(quiet + raw + ['-i', '-', '-c:a', 'libopus', '-b:a', '%dk' % kbit, '-application', 'voip', '-f', 'ogg', '-'],
                            input=x.tobytes(), capture_output=True, check=True).stdout
    heard = subprocess.run(quiet + ['-i', '-'] + raw + ['-'], input=packed, capture_output=True, check=True).stdout
    y = np.frombuffer(heard, np.float32)[:len(x)]
    return np.pad(y, (0, len(x) - len(y)))


def spoil(rng, x, babble):
    if rng.random() < 0.7:
        x = equalised(rng, x)
    if rng.random() < 0.4:
        x = echoing(rng, x)
    if rng.random() < 0.75:
        kind = rng.random()
        noise = hum(rng, len(x)) if kind < 0.1 else babble if kind < 0.25 else clicks(rng, len(x)) if kind < 0.35 \
            else tones(rng, len(x)) if kind < 0.42 else coloured(rng, len(x), rng.uniform(0, 2))
        loud = np.sqrt((x[np.abs(x) > 1e-3] ** 2).mean()) if (np.abs(x) > 1e-3).any() else 0.1
        x = x + unit(noise) * loud * 10 ** (-rng.uniform(15 if 0.1 <= kind < 0.25 else 5, 35) / 20)
    x = x / (np.abs(x).max() + 1e-6)
    if rng.random() < 0.08:
        x = np.clip(x * rng.uniform(1.5, 5), -1, 1)
    if rng.random() < 0.2:
        x = opus(rng, x.astype(np.float32))
    x = x * 10 ** (rng.uniform(-35, 0) / 20)
    if rng.random() < 0.5:
        x = np.round(x * 32767) / 32767          # a 16-bit recording: digital silence where nothing sounds
    return x.astype(np.float32)


def silence_stream(rng, babble):
    kind = rng.integers(0, 6)
    x = [np.zeros(SAMPLES, np.float32), coloured(rng, SAMPLES, rng.uniform(0, 2)), hum(rng, SAMPLES), tones(rng, SAMPLES),
         clicks(rng, SAMPLES), coloured(rng, SAMPLES, rng.uniform(0, 2))][kind]
    if kind == 5:                                    # breaths, wind, traffic: noise that swells
        x = x * np.repeat(rng.random(SECONDS * 2) ** 2, HZ // 2)
    return unit(x) * 0.1 if kind else x


def main():
    p = argparse.ArgumentParser()
    p.add_argument('--speech', required=True)
    p.add_argument('--out', required=True)
    p.add_argument('--streams', type=int, default=1000)
    p.add_argument('--seed', type=int, default=1)
    p.add_argument('--held', type=float, default=0, help='share of streams with held vowels instead of speech')
    a = p.parse_args()
    voices = {}
    for path in sorted(glob.glob(os.path.join(a.speech, '*.wav'))):
        voices.setdefault(path.rsplit('-', 1)[0], []).append(path)
    names = sorted(voices)
    weights = [len(voices[n]) for n in names]
    x, y, c = [np.zeros((a.streams, n, w), t) for n, w, t in ((FRAMES * 4, 80, np.float16), (FRAMES, 8, np.float16), (FRAMES, 1, np.uint8))]
    babble = np.zeros(SAMPLES, np.float32)
    for k in range(a.streams):
        seed = a.seed * 100_000 + k
        rng, noise_rng = random.Random(seed), np.random.default_rng(seed)
        if k % 12 == 11:
            samples = silence_stream(noise_rng, babble)
        else:
            if rng.random() < a.held:
                samples, phones = vowels.stream(noise_rng, SAMPLES)
                loud = curves.loudness(samples, FRAMES)
            else:
                samples, phones, loud = speech_stream(voices[rng.choices(names, weights)[0]], rng)
            y[k], c[k, :, 0] = curves.timeline(phones, FRAMES, loud), curves.classes(phones, FRAMES)
            babble = 0.7 * np.roll(babble, HZ) + samples
        x[k] = log_mel(spoil(noise_rng, samples, babble.copy()))
        if k % 100 == 99:
            print('%d of %d streams' % (k + 1, a.streams), flush=True)
    np.savez(a.out, x=x, y=y, c=c[:, :, 0])


if __name__ == '__main__':
    main()
