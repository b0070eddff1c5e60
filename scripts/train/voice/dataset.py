"""Speech with phone times -> streams of 12 s as the server hears them, with the mouth's curves.

  python3 dataset.py --speech out/speech --out out/streams-1.npz --seed 1     # run again with other seeds for other rooms and noises
  python3 dataset.py --speech out/slow --held 0.5 --out out/streams-4.npz --seed 4      # half of the streams: held vowels
Output (numpy): x float16 [streams, 1200, 80] log-mel rows, y float16 [streams, 300, 8] parameters, c uint8 [streams, 300] visemes.
A stream is one voice in one room: sentences with pauses, each at its own speed and pitch, in the throat of somebody else, some breathy
or whispered, some with breaths and coughs between them; then (each by chance) what channel.py and noises.py do, noise at 0 to 30 dB.
One stream in ten has no speech: noise, hum, music, keys, breaths, babble from afar; there the mouth is closed.
"""
import argparse
import glob
import json
import os
import random
import wave
from fractions import Fraction

import numpy as np
from scipy.signal import resample_poly

import channel
import curves
import noises
import speakers
import vowels
from features import HZ, log_mel

SECONDS, FRAMES = 12, 300
SAMPLES = SECONDS * HZ
WHISPERED, BREATHY = 0.03, 0.12


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


def speech_stream(paths, rng, noise_rng):
    """-> samples, phones, loudness per frame"""
    out, phones, loud = np.zeros(SAMPLES, np.float32), [], np.zeros(FRAMES, np.float32)
    at, ratio, throat = int(rng.uniform(0, 1.0) * HZ), rng.uniform(0.82, 1.25), rng.uniform(0.86, 1.16)
    manner, spread = rng.random(), rng.choice([3, 6, 12])
    while at < SAMPLES - HZ // 2:
        samples, spoken = utterance(paths[rng.randrange(len(paths))], ratio * rng.uniform(0.95, 1.05))
        if abs(throat - 1) > 0.03:
            samples = speakers.other_throat(samples, throat)
        if manner < WHISPERED:
            samples = speakers.whispered(noise_rng, samples)
        elif manner < WHISPERED + BREATHY:
            samples = speakers.breathier(noise_rng, samples)
        if at + len(samples) > SAMPLES:
            if at > SAMPLES / 2:
                break
            samples = samples[:SAMPLES - at]
        samples = samples * (0.1 / (np.sqrt((samples ** 2).mean()) + 1e-6)) * 10 ** (rng.uniform(-spread, spread) / 20)
        out[at:at + len(samples)] += samples
        phones += [(p, a + at * 1000 / HZ, b + at * 1000 / HZ) for p, a, b in spoken]
        only = np.zeros(SAMPLES, np.float32)
        only[at:at + len(samples)] = samples
        loud = np.maximum(loud, curves.loudness(only, FRAMES))
        end = at + len(samples)
        at = end + int(rng.choice([0, rng.uniform(0, 0.3), rng.uniform(0.3, 2.0)]) * HZ)
        if at - end > HZ // 3 and rng.random() < 0.3:
            between = noises.breaths(noise_rng, max(1, min(at, SAMPLES) - end))
            out[end:end + len(between)] += 0.1 * 10 ** (-rng.uniform(8, 30) / 20) * between / (np.abs(between).max() + 1e-6)
    return out, phones, loud


def beside(rng, x, babble):
    """noise 0 to 30 dB below what sounds"""
    kind = noises.any_of(rng, noises.BESIDE)
    noise = babble if kind == 'babble' else kind(rng, len(x))
    return add(x, noise, rng.uniform(10 if kind == 'babble' else 0, 30))


def add(x, noise, below_db):
    sounding = x[np.abs(x) > 1e-3]
    loud = np.sqrt((sounding ** 2).mean()) if len(sounding) else 0.1
    return x + noises.unit(noise) * loud * 10 ** (-below_db / 20)


def spoil(rng, x, babble, noisy):
    """one stream's way from a mouth to the server"""
    if rng.random() < 0.6:
        x = channel.equalised(rng, x)
    if rng.random() < 0.5:
        x = channel.echoing(rng, x)
    for _ in range(rng.choice(3, p=[0.3, 0.55, 0.15])):
        x = beside(rng, x, babble)
    if noisy and rng.random() < noisy:
        x = add(x, noises.coloured(rng, len(x), rng.choice([0, rng.uniform(0, 1.5)])), rng.uniform(5, 15))
    if rng.random() < 0.1:
        x = channel.telephone(rng, x)
    x = x / (np.abs(x).max() + 1e-6)
    if rng.random() < 0.15:
        x = channel.suppressed(rng, x.astype(np.float32))
    if rng.random() < 0.12:
        x = channel.pumping(rng, x)
    if rng.random() < 0.08:
        x = np.clip(x * rng.uniform(1.5, 5), -1, 1)
    if rng.random() < 0.08:
        x = channel.gated(rng, x)
    if rng.random() < 0.15:
        x = channel.opus(rng, x.astype(np.float32))
    if rng.random() < 0.08:
        x = channel.lossy(rng, x)
    x = x / (np.abs(x).max() + 1e-6) * 10 ** (rng.uniform(-35, 0) / 20)
    if rng.random() < 0.5:
        x = np.round(x * 32767) / 32767          # a 16-bit recording: digital silence where nothing sounds
    return x.astype(np.float32)


def silence_stream(rng, babble):
    kind = rng.integers(0, len(noises.ALONE) + 2)
    if kind == len(noises.ALONE):
        return np.zeros(SAMPLES, np.float32)
    x = noises.coloured(rng, SAMPLES, 1) if kind > len(noises.ALONE) else noises.ALONE[kind](rng, SAMPLES)
    return (0.1 * noises.unit(x)).astype(np.float32)


def main():
    p = argparse.ArgumentParser()
    p.add_argument('--speech', required=True)
    p.add_argument('--out', required=True)
    p.add_argument('--streams', type=int, default=1000)
    p.add_argument('--seed', type=int, default=1)
    p.add_argument('--held', type=float, default=0, help='share of streams with held vowels instead of speech')
    p.add_argument('--noisy', type=float, default=0, help='share of streams with steady noise 5 to 15 dB below, white half of the time')
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
        if k % 10 == 9:
            samples = silence_stream(noise_rng, babble)
        else:
            if rng.random() < a.held:
                samples, phones = vowels.stream(noise_rng, SAMPLES)
                loud = curves.loudness(samples, FRAMES)
            else:
                samples, phones, loud = speech_stream(voices[rng.choices(names, weights)[0]], rng, noise_rng)
            y[k], c[k, :, 0] = curves.timeline(phones, FRAMES, loud), curves.classes(phones, FRAMES)
            babble = 0.7 * np.roll(babble, HZ) + samples
        x[k] = log_mel(spoil(noise_rng, samples, babble + 1e-3 * noises.pink(noise_rng, SAMPLES), a.noisy))
        if k % 100 == 99:
            print('%d of %d streams' % (k + 1, a.streams), flush=True)
    np.savez(a.out, x=x, y=y, c=c[:, :, 0])


if __name__ == '__main__':
    main()
