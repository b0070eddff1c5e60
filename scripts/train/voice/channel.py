"""What rooms, microphones, browsers and codecs make of a sound. Every function: (rng, x float32 at 16 kHz) -> the same length; rng is numpy's."""
import subprocess

import numpy as np
from scipy.signal import fftconvolve, lfilter

from features import HZ

PACKET = HZ // 50
STFT, STEP = 512, 128


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
    """a room of 80 to 700 ms, a direct sound 1 to 20 dB above it"""
    length = int(rng.uniform(0.08, 0.7) * HZ)
    tail = rng.standard_normal(length) * np.exp(-6.9 * np.arange(length) / length) * (rng.random(length) < rng.uniform(0.05, 1))
    tail[0] = 0
    response = tail / np.sqrt((tail ** 2).sum()) * 10 ** (rng.uniform(-20, -1) / 20)
    response[0] = 1
    return fftconvolve(x, response)[:len(x)].astype(np.float32)


def pumping(rng, x):
    """an automatic gain: loud parts down at once, soft parts up slowly, by up to 15 dB"""
    frames = np.abs(x[:len(x) // 160 * 160]).reshape(-1, 160).max(1)
    slow, level, most = rng.uniform(0.003, 0.03), 0.1, 10 ** (rng.uniform(3, 15) / 20)
    gains = np.empty(len(frames))
    for k, now in enumerate(frames):
        level += (now - level) * (0.5 if now > level else slow)
        gains[k] = np.clip(0.3 / (level + 1e-4), 1 / most, most)
    return (x * np.interp(np.arange(len(x)), np.arange(len(gains)) * 160, gains)).astype(np.float32)


def suppressed(rng, x):
    """a browser's noise suppression: what is near the floor of its band is turned down by up to 20 dB"""
    spectra = stft(x)
    power = np.abs(spectra) ** 2
    floor = np.percentile(power, 15, axis=0) * rng.uniform(1.5, 4)
    gain = np.maximum(1 - floor / (power + 1e-12), 10 ** (-rng.uniform(8, 20) / 20))
    gain = lfilter([0.4], [1, -0.6], gain, axis=0)
    return istft(spectra * gain, len(x))


def opus(rng, x):
    """what Opus at 12 to 32 kbit/s leaves; the codec's delay is taken out by the container's pre-skip"""
    raw = dict(input=(np.clip(x, -1, 1) * 32767).astype('<i2').tobytes(), capture_output=True, check=True)
    pcm = ['-f', 's16le', '-ar', str(HZ), '-ac', '1']
    encoded = subprocess.run(['ffmpeg', '-loglevel', 'error', *pcm, '-i', '-', '-c:a', 'libopus', '-application', 'voip', '-b:a',
                              '%dk' % rng.choice([12, 16, 20, 24, 32]), '-f', 'ogg', '-'], **raw).stdout
    decoded = subprocess.run(['ffmpeg', '-loglevel', 'error', '-i', '-', *pcm, '-'], input=encoded, capture_output=True, check=True).stdout
    y = np.frombuffer(decoded, '<i2').astype(np.float32) / 32767
    return np.pad(y, (0, max(0, len(x) - len(y))))[:len(x)]


def lossy(rng, x):
    """lost packets of 20 ms, concealed by what was before them, softer and softer"""
    y, lost, share = x.copy(), 0, rng.uniform(0.01, 0.12)
    for at in range(PACKET, len(x) - PACKET, PACKET):
        lost = lost + 1 if rng.random() < (0.5 if lost else share) else 0
        if lost:
            y[at:at + PACKET] = y[at - PACKET:at] * (0.7 if lost < 4 else 0)
    return y


def gated(rng, x):
    """discontinuous transmission: packets without a voice are not sent, or as faint even noise"""
    packets = x[:len(x) // PACKET * PACKET].reshape(-1, PACKET).copy()
    level = np.sqrt((packets ** 2).mean(1))
    recent = np.array([level[max(0, k - 12):k + 1].max() for k in range(len(level))])
    quiet = recent < np.percentile(level, 95) * 10 ** (-rng.uniform(28, 40) / 20)
    packets[quiet] = rng.standard_normal((quiet.sum(), PACKET)) * rng.choice([0, 1e-4, 5e-4])
    return np.concatenate([packets.ravel(), x[packets.size:]]).astype(np.float32)


def telephone(rng, x):
    """8 kHz of sampling rate: 300 to 3400 Hz"""
    hz = np.fft.rfftfreq(len(x), 1 / HZ)
    gain = 1 / (1 + (rng.uniform(100, 300) / np.maximum(hz, 1)) ** 4) / (1 + (hz / rng.uniform(3300, 3900)) ** 24)
    return np.fft.irfft(np.fft.rfft(x) * gain, len(x)).astype(np.float32)


_WINDOW = np.sqrt(np.hanning(STFT + 1)[:-1])


def stft(x):
    """-> [frames, bins], for istft"""
    padded = np.pad(x, (STFT, STFT))
    return np.fft.rfft(np.lib.stride_tricks.sliding_window_view(padded, STFT)[::STEP] * _WINDOW, axis=1)


def istft(spectra, n):
    pieces = np.fft.irfft(spectra, STFT, axis=1) * _WINDOW * (2 * STEP / STFT)
    out = np.zeros((len(spectra) + STFT // STEP - 1, STEP))
    for k in range(STFT // STEP):
        out[k:k + len(spectra)] += pieces[:, k * STEP:(k + 1) * STEP]
    return out.ravel()[STFT:STFT + n].astype(np.float32)
