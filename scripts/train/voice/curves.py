"""Phones -> eight mouth parameters over time (0..1, order PARAMETERS), with coarticulation. Set by hand and judged by eye on renders.

timeline(phones, frames, loudness) -> float32 [frames, 8]; frame f is the 40 ms of sound from 40 f ms on, judged at its middle.
classes(phones, frames) -> index into VISEMES of the sound at each frame's middle.
"""
import numpy as np

PARAMETERS = ('jaw', 'lower', 'upper', 'spread', 'round', 'press', 'tuck', 'tongue')
VISEMES = ('sil', 'PP', 'FF', 'TH', 'DD', 'kk', 'CH', 'SS', 'nn', 'RR', 'aa', 'E', 'ih', 'oh', 'ou')
FRAME_MS = 40.0

#             jaw  lower upper spread round press tuck tongue   dominance
TABLE = {
    'sil': ((.00, .00, .00, .00, .00, .00, .00, .00), 0.70),
    'PP': ((.00, .00, .00, .00, .05, 1.0, .00, .00), 1.60),
    'FF': ((.05, .00, .30, .05, .00, .00, 1.0, .00), 1.40),
    'TH': ((.18, .15, .05, .05, .00, .00, .00, 1.0), 0.80),
    'DD': ((.16, .15, .00, .12, .00, .00, .00, .60), 0.55),
    'kk': ((.18, .10, .00, .05, .00, .00, .00, .10), 0.45),
    'CH': ((.07, .40, .25, .00, .55, .00, .00, .30), 1.10),
    'SS': ((.03, .38, .18, .35, .00, .00, .00, .30), 0.90),
    'nn': ((.12, .08, .00, .08, .00, .00, .00, .80), 0.55),
    'RR': ((.12, .20, .00, .00, .45, .00, .00, .30), 0.80),
    'aa': ((.55, .05, .00, .05, .00, .00, .00, .00), 1.00),
    'E': ((.30, .10, .00, .30, .00, .00, .00, .10), 0.90),
    'ih': ((.16, .12, .12, .42, .00, .00, .00, .20), 0.90),
    'oh': ((.42, .00, .00, .00, .65, .00, .00, .00), 1.10),
    'ou': ((.16, .00, .00, .00, 1.0, .00, .00, .00), 1.20),
}
PHONES = {
    'sil': 'pau sil', 'PP': 'p b m', 'FF': 'f v', 'TH': 'th dh', 'DD': 't d dx', 'kk': 'k g ng hh', 'CH': 'ch jh sh zh',
    'SS': 's z', 'nn': 'n l', 'RR': 'r er axr', 'aa': 'aa ae ah', 'E': 'eh ax', 'ih': 'ih iy y', 'oh': 'ao oe', 'ou': 'uw uh w uy bh'}
VISEME_OF = {p: v for v, ps in PHONES.items() for p in ps.split()}
DIPHTHONGS = {'ay': ('aa', 'ih'), 'aw': ('aa', 'ou'), 'oy': ('oh', 'ih'), 'ow': ('oh', 'ou'), 'ey': ('E', 'ih')}
OPENNESS = {'ah': 0.6, 'ax': 0.55, 'hh': 0.5, 'uh': 0.6, 'dh': 0.6, 'bh': 0.4}   # a weaker version of the viseme's target
LIPS = [PARAMETERS.index(x) for x in ('lower', 'upper', 'spread', 'round')]
TONGUE_ONLY = ('DD', 'nn', 'kk')           # lips are free: neighbours decide
ROUNDERS = ('oh', 'ou', 'CH', 'RR')
TIME_CONSTANT_MS, FAST_MS, ROUND_EARLY_MS, RAMP_MS = 55.0, 35.0, 110.0, 45.0


def segments(phones):
    """[(phone, startMs, endMs)] -> [(startMs, endMs, viseme, target[8])], diphthongs split 55:45"""
    out = []
    for name, a, b in phones:
        if name in DIPHTHONGS:
            m = a + 0.55 * (b - a)
            halves = [(a, m, DIPHTHONGS[name][0]), (m, b, DIPHTHONGS[name][1])]
        else:
            halves = [(a, b, VISEME_OF.get(name, 'sil'))]
        for s, e, v in halves:
            out.append((s, e, v, np.array(TABLE[v][0]) * OPENNESS.get(name, 1.0)))
    return out


def timeline(phones, frames, loudness=None):
    """Dominance blending (Cohen and Massaro, 1993), then what averaging must not break: lips meet for p b m, the lower lip
    tucks for f v, the jaw stays high for s z sh ch, rounding starts about 110 ms early, lips of t d n l k g come from their
    neighbours. loudness [frames] 0..1 (optional) scales jaw and lower lip."""
    segs = segments(phones)
    t = (np.arange(frames) + 0.5) * FRAME_MS
    total, weight = np.zeros((frames, 8)), np.full((frames, 8), 1e-9)
    for a, b, v, target in segs:
        lo, hi = np.searchsorted(t, [a - 600, b + 600])
        near = t[lo:hi]
        gap = np.maximum(0.0, np.abs(near - (a + b) / 2) - 0.6 * (b - a) / 2)
        tau = np.full((len(near), 8), FAST_MS if v in ('PP', 'FF') else TIME_CONSTANT_MS)
        if v in ROUNDERS:
            tau[near < (a + b) / 2, 4] = ROUND_EARLY_MS
        w = TABLE[v][1] * np.exp(-gap[:, None] / tau)
        if v in TONGUE_ONLY:
            w[:, LIPS] *= 0.35
        total[lo:hi] += w * target
        weight[lo:hi] += w
    rows = total / weight
    if loudness is not None:
        rows[:, :2] *= (0.6 + 0.5 * loudness)[:, None]
    for a, b, v, _ in segs:
        if v not in ('PP', 'FF', 'SS', 'CH'):
            continue
        lo, hi = np.searchsorted(t, [a - 150, b + 150])
        half = max((b - a) / 2, FRAME_MS / 2)          # at least one frame wide
        w = np.clip(1 - np.maximum(0.0, np.abs(t[lo:hi] - (a + b) / 2) - half) / RAMP_MS, 0, 1)[:, None]
        row = rows[lo:hi]
        hard = row.copy()
        hard[:, 0] = np.minimum(row[:, 0], {'PP': 0.05, 'FF': 0.10}.get(v, 0.12))
        if v == 'PP':
            hard[:, [1, 2, 5, 6]] = 0, 0, 1, 0
        elif v == 'FF':
            hard[:, [1, 5, 6]] = 0, 0, 1
        rows[lo:hi] = row + (hard - row) * w
    return np.clip(rows, 0, 1).astype(np.float32)


def classes(phones, frames):
    t, out = (np.arange(frames) + 0.5) * FRAME_MS, np.zeros(frames, np.int64)
    for a, b, v, _ in segments(phones):
        lo, hi = np.searchsorted(t, [a, b])
        out[lo:hi] = VISEMES.index(v)
    return out


def loudness(samples, frames, hz=16000):
    """0..1 per frame of 40 ms: 0 at 35 dB below the loudest frame, 1 at the loudest"""
    n = int(hz * FRAME_MS / 1000)
    padded = np.zeros(frames * n, np.float32)
    padded[:min(len(samples), frames * n)] = samples[:frames * n]
    level = 10 * np.log10((padded.reshape(frames, n) ** 2).mean(1) + 1e-9)
    return np.clip((level - level.max() + 35) / 35, 0, 1)
