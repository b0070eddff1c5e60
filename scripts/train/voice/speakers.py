"""Other speakers and other ways of speaking, made from the voices that there are. (rng, x float32 at 16 kHz) -> the same length.

Resampling (dataset.utterance) moves pitch, throat and tempo together; these move the throat alone, so that the two make new people.
"""
import numpy as np

from channel import istft, stft

LIFTER = 28              # cepstral coefficients of the throat: what is finer is the pitch


def _envelopes(spectra):
    """log of the throat's gain, [frames, bins]"""
    log = np.log(np.abs(spectra) + 1e-5)
    cepstra = np.fft.irfft(log, axis=1)
    cepstra[:, LIFTER:-LIFTER + 1] = 0
    return np.fft.rfft(cepstra, axis=1).real


def other_throat(x, ratio):
    """formants `ratio` times as high, pitch and tempo as they were"""
    spectra = stft(x)
    envelopes = _envelopes(spectra)
    bins = np.arange(spectra.shape[1])
    at = np.minimum(bins / ratio, bins[-1])
    low = np.floor(at).astype(int)
    high, part = np.minimum(low + 1, bins[-1]), at - low
    warped = envelopes[:, low] * (1 - part) + envelopes[:, high] * part
    return istft(spectra * np.exp(warped - envelopes), len(x))


def whispered(rng, x):
    """the throat filled with noise instead of a voice; the lower formants weaker, as in a whisper"""
    envelopes = _envelopes(stft(x))
    noise = stft(rng.standard_normal(len(x)).astype(np.float32))[:len(envelopes)]
    tilt = np.linspace(-1.8, 0.5, envelopes.shape[1])
    return istft(noise * np.exp(envelopes + tilt), len(x)) * 0.05


def breathier(rng, x):
    """a voice with air in it: between itself and its whisper"""
    part, loud = rng.uniform(0.1, 0.5), np.sqrt((x ** 2).mean())
    air = whispered(rng, x)
    return ((1 - part) * x + part * air * loud / (np.sqrt((air ** 2).mean()) + 1e-9)).astype(np.float32)
