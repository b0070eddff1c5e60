"""A made-up voice and a drawn face to run the reference on: nobody's, and the same numbers on every machine."""
import cv2
import numpy as np

RATE = 16_000
HEIGHT, WIDTH = 152, 136


def sound(seconds):
    """int16 mono: a buzz with moving formants in syllables, a breath and a silence; coarse steps, so that it packs well."""
    t = np.arange(int(seconds * RATE)) / RATE
    pitch = 2 * np.pi * np.cumsum(130 + 25 * np.sin(2 * np.pi * 0.7 * t)) / RATE
    formant = 600 + 350 * np.sin(2 * np.pi * 1.3 * t)
    voice = sum(np.sin(k * pitch) / (1 + ((k * 130 - formant) / 250) ** 2) for k in range(1, 20))
    syllables = np.clip(np.sin(2 * np.pi * 3.1 * t), 0, 1) ** 0.5
    breath = np.random.RandomState(3).randn(len(t)) * 0.08 * np.clip(np.sin(2 * np.pi * 3.1 * t + 3.5), 0, 1)
    x = (0.35 * voice * syllables + breath) * ((t % 2.6) < 2.1)
    return (np.round(np.clip(x, -0.95, 0.95) * 100) * 300).astype(np.int16)


def points(i):
    """68 face points of frame `i`, int32 [68, 2] (x, y), in the usual order: jaw 17, brows 10, nose 9, eyes 12, mouth 20."""
    cx, cy = 64 + 3 * i, 78 - 2 * i
    around = lambda n, x, y, rx, ry, first, last: [(x + rx * np.cos(a), y + ry * np.sin(a)) for a in np.linspace(first, last, n)]
    nose = [(cx, cy - 14 + 6 * k) for k in range(4)] + [(cx - 8 + 4 * k, cy + 8) for k in range(5)]
    return np.array([
        *around(17, cx, cy + 4, 34, 42, np.pi, 0), *around(5, cx - 16, cy - 18, 11, 5, np.pi, 2 * np.pi), *around(5, cx + 16, cy - 18, 11, 5, np.pi, 2 * np.pi),
        *nose, *around(6, cx - 15, cy - 10, 7, 3, np.pi, 3 * np.pi - 1), *around(6, cx + 15, cy - 10, 7, 3, np.pi, 3 * np.pi - 1),
        *around(12, cx, cy + 22, 14, 6, np.pi, 3 * np.pi - 0.5), *around(8, cx, cy + 22, 10, 2, np.pi, 3 * np.pi - 0.8)]).astype(np.int32)


def frame(i):
    """uint8 BGR [HEIGHT, WIDTH, 3]."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    picture = np.stack([90 + x // 2, 70 + y // 3, 120 - x // 4], -1).astype(np.uint8)
    at = points(i)
    cx, cy = int(at[:17, 0].mean()), int(at[29, 1])
    cv2.ellipse(picture, (cx, cy), (36, 46), 0, 0, 360, (140, 170, 220), -1)
    cv2.fillPoly(picture, [at[27:36].reshape(-1, 1, 2)], (120, 150, 205))
    for part in (at[36:42], at[42:48]):
        cv2.fillPoly(picture, [part], (60, 40, 30))
    cv2.fillPoly(picture, [at[48:60]], (90, 80, 190))
    cv2.fillPoly(picture, [at[60:68]], (40, 20, 60))
    return picture


def labels(i, square, side=512):
    """What each pixel of the square is, drawn from the points: uint8 [side, side] with the numbers of face-parsing."""
    scale = side / (square[2] - square[0])
    at = np.round((points(i) - np.array(square[:2])) * scale).astype(np.int32)
    drawn = np.zeros((side, side), np.uint8)
    cv2.fillPoly(drawn, [np.concatenate([at[:17], at[22:27][::-1], at[17:22][::-1]])], 1)
    cv2.fillPoly(drawn, [cv2.convexHull(at[27:36])], 10)
    cv2.fillPoly(drawn, [at[48:60]], 13)
    cv2.fillPoly(drawn, [np.concatenate([at[48:55], at[60:65][::-1]])], 12)
    cv2.fillPoly(drawn, [at[60:68]], 11)
    return drawn
