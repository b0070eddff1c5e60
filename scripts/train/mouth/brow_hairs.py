"""Eyebrows: hundreds of thin ribbons that follow the skin. Decimetres, y up."""
import math

import numpy as np

import makehuman as mh


def brow_hairs(v, lift=0.0, arch=1.0, density=450, seed=1, width=0.40, inner=-0.175, full=1.0, thick=0.0026, length=0.062):
    """thin ribbons on the left brow, mirrored to the right; soft upper and lower edge, fading tail (decimetres)"""
    from scipy.spatial import cKDTree
    rng = np.random.default_rng(seed)
    body = np.array(sorted({a for f, g in zip(mh.BASE[2], mh.BASE[4]) if g == 'body' for a in f}))
    ex, ey, _ = mh.bone_head(v, 'eye.L')
    nearest = cKDTree(v[body])
    # the skin's outermost surface over the brow, as triangles seen from the front
    tri = np.array([[f[0], f[j], f[j + 1]] for f, g in zip(mh.BASE[2], mh.BASE[4]) if g == 'body'
                    and all(v[a][2] > 0.3 and -0.05 < v[a][0] < 1.0 and abs(v[a][1] - ey - 0.15) < 0.5 for a in f)
                    for j in range(1, len(f) - 1)])
    A, e1, e2 = v[tri[:, 0]], v[tri[:, 1]] - v[tri[:, 0]], v[tri[:, 2]] - v[tri[:, 0]]
    det = e1[:, 0] * e2[:, 1] - e1[:, 1] * e2[:, 0]
    det = np.where(abs(det) < 1e-12, 1e-12, det)

    def depth(x, y):
        dx, dy = x - A[:, 0], y - A[:, 1]
        s, t = (dx * e2[:, 1] - dy * e2[:, 0]) / det, (e1[:, 0] * dy - e1[:, 1] * dx) / det
        hit = (s >= 0) & (t >= 0) & (s + t <= 1)
        return (A[:, 2] + s * e1[:, 2] + t * e2[:, 2])[hit].max() if hit.any() else float('nan')

    refs, weights, offsets, faces = [], [], [], []
    for _ in range(density):
        t = rng.random()
        if rng.random() > np.interp(t, [0, 0.08, 0.25, 0.7, 1], [0.35, 0.8, 1, 0.85, 0.25]):
            continue
        x = ex + inner + width * t
        y = ey + 0.185 + lift + arch * 0.055 * math.sin(math.pi * min(max(t * 0.8 + 0.02, 0), 1)) \
            - 0.075 * max(0, t - 0.6) / 0.4
        half = np.interp(t, [0, 0.15, 0.5, 0.8, 1], [0.030, 0.042, 0.036, 0.022, 0.008]) * full
        u = rng.normal(0, 0.55)
        y += half * u
        angle = math.radians(np.interp(t, [0, 0.12, 0.4, 0.75, 1], [78, 55, 24, 0, -20]) + rng.normal(0, 8) - u * 12 * (1 - t))
        hair = length * (0.6 + 0.6 * rng.random()) * np.interp(t, [0, 0.15, 0.8, 1], [0.6, 1, 0.85, 0.6])
        wide = thick * (0.6 + 0.7 * rng.random())
        points = []
        for j in range(4):
            q = j / 3
            px, py = x + math.cos(angle - 0.35 * q) * hair * q, y + math.sin(angle - 0.35 * q) * hair * q
            z = float(depth(px, py))
            points.append((px, py, (z if z == z else points[-1][2]) + 0.014 + 0.008 * q))
        across = np.array([-math.sin(angle), math.cos(angle), 0])
        for side in (1, -1):
            base = len(refs)
            root = nearest.query(np.array(points[0]) * [side, 1, 1])[1]
            for j, p in enumerate(points):
                w = wide * (1 - (j / 3) ** 1.5) * 0.5 + 0.0003
                for sign in (1, -1):
                    q = np.array(p) + sign * w * across
                    q[0] *= side
                    refs.append([body[root]] * 3)
                    weights.append([1, 0, 0])
                    offsets.append(q - v[body[root]])
            for j in range(3):
                a = base + 2 * j
                faces.append([a, a + 1, a + 3, a + 2] if side == 1 else [a, a + 2, a + 3, a + 1])
    return mh.Bound(refs, weights, offsets, faces)
