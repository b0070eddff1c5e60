"""Trains the mouth -> picture network on what crops.py made.

  python3 train_mouth.py --crops ../../../out/crops-*.npz --out ../../../out/mouth.pt --steps 6000
Prints the loss and, every --look steps, the error on people kept back (the last tenth of each file) and a contact sheet beside
the model: source, then truth, drawn picture and mask of each mouth. Pictures are drawn with the true inside behind the drawn mask, so the
error is that of skin and lips. The same seed and number of steps give the same network.
"""
import argparse
import time

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

import network as n

SIZE = 160
SOURCES = 10             # per step; each brings its TARGETS mouths
AT = torch.arange(n.CROP, dtype=torch.float32) + 0.5


# How a landmark detector's crops differ from those of exact marks, measured on rendered faces: it sees the mouth 7.5 % wider.
SCALE_BIAS = .072
SCALE_SPREAD, TURN_SPREAD_DEG, PLACE_SPREAD_PX = .05, 1.5, (1.6, 1.2)


def crop_transforms(marks, rng, jitter):
    """crop px -> picture px: [B, 2, 3], the way avatars are cut (avatars/mouth-geometry.ts) and as wrongly as landmarks may lie"""
    left, right, line, chin = (marks[:, k] for k in range(4))
    across, middle = right - left, (left + right) / 2
    scale = np.maximum(np.linalg.norm(across, axis=1) / 52, np.linalg.norm(chin - line, axis=1) / 64)
    angle = np.arctan2(across[:, 1], across[:, 0])
    down = np.stack([-np.sin(angle), np.cos(angle)], 1)
    centre = middle + down * ((line - middle) * down).sum(1, keepdims=True)
    k = len(marks)
    scale = scale * np.exp(SCALE_BIAS + rng.normal(0, SCALE_SPREAD, k) * jitter)
    angle = angle + np.radians(rng.normal(0, TURN_SPREAD_DEG, k)) * jitter
    a, b = scale * np.cos(angle), scale * np.sin(angle)
    centre = centre + (rng.normal(0, PLACE_SPREAD_PX, (k, 2)) * jitter) * scale[:, None]
    tx, ty = centre[:, 0] - a * 64 + b * 52, centre[:, 1] - b * 64 - a * 52
    return np.stack([np.stack([a, -b, tx], 1), np.stack([b, a, ty], 1)], 1).astype(np.float32)


def cut(pictures, transforms, size, beyond='border'):
    """pictures [B, C, size, size] seen through the transforms -> [B, C, 128, 128]"""
    m = torch.tensor(transforms) * (SIZE / size) ** -1
    u, v = AT[None, None, :].expand(1, n.CROP, -1), AT[None, :, None].expand(1, -1, n.CROP)
    x = m[:, 0, 0, None, None] * u + m[:, 0, 1, None, None] * v + m[:, 0, 2, None, None]
    y = m[:, 1, 0, None, None] * u + m[:, 1, 1, None, None] * v + m[:, 1, 2, None, None]
    grid = torch.stack([x / size * 2 - 1, y / size * 2 - 1], -1)
    return F.grid_sample(pictures, grid, mode='bilinear', padding_mode=beyond, align_corners=False)


class Crops:
    """the files' arrays, one after the other"""

    def __init__(self, paths, kept_back):
        self.parts = []
        for path in paths:
            d = dict(np.load(path))
            keep = d['person'] >= d['person'].max() + 1 - max(1, (d['person'].max() + 1) // 10)
            chosen = np.where(keep == kept_back)[0]
            self.parts += [{k: v[chosen] for k, v in d.items()}] if len(chosen) else []
        self.counts = [len(p['person']) for p in self.parts]

    def __len__(self):
        return sum(self.counts)

    def take(self, indices):
        out = []
        for i in indices:
            for part, count in zip(self.parts, self.counts):
                if i < count:
                    out.append((part, i))
                    break
                i -= count
        return {k: np.stack([part[k][i] for part, i in out]) for k in out[0][0]}


def planar(a):
    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(a, -1, 1))).float()


def sample(crops, indices, rng, jitter):
    """-> source [B, 3, 128, 128], target [B, T, 3, ...], flow [B, T, 2, ...] px, seen and inner [B, T, 1, ...],
    known [B, 1, ...]: 1 where the crop lies within the picture, row [B, T, 8]"""
    d = crops.take(indices)
    B, T = d['row'].shape[:2]
    transforms = crop_transforms(d['marks'], rng, jitter)
    each = np.repeat(transforms, T, 0)
    flat = lambda a: a.reshape(B * T, *a.shape[2:])      # noqa: E731
    source = cut(planar(d['source']) / 255, transforms, SIZE)
    masks = np.concatenate([flat(d['target']), flat(d['seen'])[..., None], flat(d['inner'])[..., None]], -1)
    there = cut(planar(masks) / 255, each, SIZE)
    known = (cut(torch.ones(B, 1, SIZE, SIZE), transforms, SIZE, 'zeros') > .99).float()
    flow = cut(planar(flat(d['flow']).astype(np.float32)), each, SIZE // 2)
    m = torch.tensor(each)
    square = (m[:, 0, 0] ** 2 + m[:, 1, 0] ** 2)[:, None, None]
    a, b = m[:, 0, 0][:, None, None] / square, m[:, 1, 0][:, None, None] / square
    flow = torch.stack([a * flow[:, 0] + b * flow[:, 1], a * flow[:, 1] - b * flow[:, 0]], 1)
    row = torch.from_numpy(d['row'])
    if rng.random() < .5:
        source, there, known, flow = source.flip(-1), there.flip(-1), known.flip(-1), flow.flip(-1) * torch.tensor([-1., 1.])[None, :, None, None]
    shape = lambda x: x.reshape(B, T, *x.shape[1:])      # noqa: E731
    return source, shape(there[:, :3]), shape(flow), shape(there[:, 3:4]), shape(there[:, 4:5]), known, row


def smooth_noise(shape, cell, generator):
    small = torch.randn(shape[0], shape[1], shape[2] // cell + 1, shape[3] // cell + 1, generator=generator)
    return F.interpolate(small, size=shape[2:], mode='bilinear')


def disguise(source, target, flow, seen, rng, generator):
    """the same colours, light, stubble and blur on both; noise and compression on what the network sees -> source, target, seen source"""
    B, T = target.shape[:2]
    pick = lambda low, high: torch.tensor(rng.uniform(low, high, B), dtype=torch.float32)[:, None, None, None]      # noqa: E731
    gain = torch.tensor(np.exp(rng.normal(0, .1, (B, 3, 1, 1))), dtype=torch.float32) * pick(.75, 1.25)
    gamma, grey = pick(.75, 1.3), pick(0, .5) * (pick(0, 1) < .4)
    u, v = AT[None, None, None, :], AT[None, None, :, None]
    beard = torch.sigmoid((((u - 64) / 27) ** 2 + ((v - 54) / 13) ** 2 - 1.6) * 4) * torch.sigmoid((v - 34) / 4)
    rough = smooth_noise((B, 1, 128, 128), 1, generator) * .5 + smooth_noise((B, 1, 128, 128), 2, generator)
    dark = (beard * (.35 + .35 * rough).clamp(0, 1) * (pick(0, 1) < .25) * pick(.2, .9)).clamp(0, .9)
    light = (smooth_noise((B, 1, 128, 128), 64, generator) * .12 * (pick(0, 1) < .5)).exp()
    flat, moved = flow.flatten(0, 1), seen.flatten(0, 1)
    dark_there = (n.warp(dark.repeat_interleave(T, 0), flat) * moved).unflatten(0, (B, T))

    def paint(x, shadow):
        x = (x.clamp(1e-4, 1) ** gamma_of(x)) * gain_of(x) * light_of(x) * (1 - shadow)
        mean = x.mean(-3, keepdim=True)
        return (x + (mean - x) * grey_of(x)).clamp(0, 1)
    wide = lambda value, x: value[:, None] if x.dim() == 5 else value      # noqa: E731
    gamma_of, gain_of, light_of, grey_of = (lambda x, value=value: wide(value, x) for value in (gamma, gain, light, grey))
    source, target = paint(source, dark), paint(target, dark_there)
    if rng.random() < .35:                                              # all of a step's pictures have the same sharpness
        sigma = rng.uniform(.4, 1.6)
        k = torch.exp(-torch.arange(-4, 5).float() ** 2 / (2 * sigma ** 2))
        k = (k / k.sum())[None, None]
        blur = lambda x: F.conv2d(F.conv2d(F.pad(x.reshape(-1, 1, 128, 128), (4, 4, 4, 4), 'replicate'), k[..., None, :]), k[..., None]).reshape(x.shape)      # noqa: E731
        source, target = blur(source), blur(target)
    shown = source + torch.randn(source.shape, generator=generator) * pick(0, .03) + smooth_noise(source.shape, 4, generator) * pick(0, .02)
    if rng.random() < .3:
        cell = int(rng.choice([2, 3]))
        shown = F.interpolate(F.interpolate(shown, scale_factor=1 / cell, mode='area'), size=(128, 128), mode='bilinear')
    if rng.random() < .3:                                               # coarse steps of blocks, as codecs leave them
        step = rng.uniform(.02, .06)
        mean = F.interpolate(F.avg_pool2d(shown, 8), scale_factor=8)
        shown = (mean / step).round() * step + ((shown - mean) / step).round() * step
    return source, target, shown.clamp(0, 1)


def edges(x):
    return x[..., :, 1:] - x[..., :, :-1], x[..., 1:, :] - x[..., :-1, :]


MOUTH = torch.exp(-(((AT[None, :] - 64) / 32) ** 2 + ((AT[:, None] - 60) / 26) ** 2) ** 2)[None, None]


def fresh_part(seen, inner, network):
    """1 where a mouth shows what the closed one has not: lips' inner side, teeth, tongue, dark"""
    near = (F.max_pool2d(inner, 9, 1, 4) > .02).float()
    return (1 - seen).clamp(0, 1) * near * network.pixels


def losses(network, flow, alpha, source, target, true_flow, seen, inner, known):
    """all [B*T, ...]"""
    weight = network.pixels * (1 + 5 * MOUTH) * known
    fresh = fresh_part(seen, inner, network)
    at_pixels = n.per_pixel(flow)
    moved = (F.smooth_l1_loss(at_pixels, true_flow * network.pixels, reduction='none', beta=.5).sum(1, keepdim=True) * seen * weight).mean()
    drawn = fresh * target + (1 - fresh) * n.warp(source, at_pixels)
    error = ((drawn - target).abs() * weight).mean()
    error = error + .5 * (F.avg_pool2d(drawn - target, 4).abs() * F.avg_pool2d(weight, 4)).mean()
    sharp = sum((a - b).abs().mean() for a, b in zip(edges(drawn * weight), edges(target * weight)))
    mask = (F.binary_cross_entropy(alpha.clamp(1e-4, 1 - 1e-4), fresh, reduction='none') * (1 + 5 * MOUTH) * known).mean()
    bend = sum((e[..., 1:, 1:] ** 2).mean() for d in edges(flow) for e in edges(d))
    parts = {'flow': .5 * moved, 'picture': 12 * error, 'sharp': 12 * sharp, 'mask': 3 * mask, 'bend': .3 * bend}
    return sum(parts.values()), parts


def draw(network, shown, rows):
    """-> flow, alpha of every row of every source, [B*T, ...]"""
    T = rows.shape[1]
    with torch.autocast('cpu', dtype=torch.bfloat16):
        seen = [x.repeat_interleave(T, 0) for x in network.look(n.to_planes(shown).to(memory_format=torch.channels_last))]
        return network.draw(*seen, rows.flatten(0, 1))


def look(network, kept, path):
    """error on people kept back, without jitter or disguise, and a picture of the first"""
    rng = np.random.default_rng(5)
    totals, sheet, generator = [], [], torch.Generator().manual_seed(3)
    chosen = np.linspace(0, len(kept) - 1, 32).astype(int)
    for k in range(0, 32, 8):
        source, target, flow, seen, inner, known, rows = sample(kept, chosen[k:k + 8], rng, .5)
        shown = source
        if k >= 16:
            source, target, shown = disguise(source, target, flow, seen, rng, generator)
        with torch.no_grad():
            moved, alpha = draw(network, shown, rows)
        B, T = rows.shape[:2]
        before, truth = source.repeat_interleave(T, 0), target.flatten(0, 1)
        drawn = alpha * truth + (1 - alpha) * n.warp(before, n.per_pixel(moved))
        area = (MOUTH > .3).float()
        error = lambda x: -10 * torch.log10(((x - truth) ** 2 * area).sum((1, 2, 3)) / (3 * area.sum()) + 1e-6)      # noqa: E731
        off = ((alpha - fresh_part(seen.flatten(0, 1), inner.flatten(0, 1), network)).abs() * area).sum((1, 2, 3)) / area.sum()
        totals.append([float(x.mean()) for x in (error(drawn), error(before), 100 * off)])
        pick = lambda x: x.unflatten(0, (B, T))[::2]      # noqa: E731
        for s, t, w, al in zip(source[::2], target[::2], pick(drawn), pick(alpha)):
            cells = [s] + [x for j in range(T) for x in (t[j], w[j], al[j].expand(3, -1, -1))]
            sheet.append(torch.cat(cells, 2))
    Image.fromarray((torch.cat(sheet, 1).permute(1, 2, 0).numpy() * 255).clip(0, 255).astype(np.uint8)).save(path)
    return np.mean(totals, 0)


def main():
    p = argparse.ArgumentParser()
    p.add_argument('--crops', nargs='+', required=True)
    p.add_argument('--out', required=True)
    p.add_argument('--steps', type=int, default=6000)
    p.add_argument('--start', help='weights to go on from')
    p.add_argument('--stop', type=int, help='end after so many of the planned steps')
    p.add_argument('--rate', type=float, default=2e-3)
    p.add_argument('--look', type=int, default=250)
    p.add_argument('--seed', type=int, default=1)
    p.add_argument('--threads', type=int, default=2)
    a = p.parse_args()
    torch.manual_seed(a.seed), torch.set_num_threads(a.threads)
    network = n.MouthNetwork().to(memory_format=torch.channels_last)
    if a.start:
        print(network.load_state_dict(torch.load(a.start), strict=False))
    crops, kept = Crops(a.crops, False), Crops(a.crops, True)
    print('%d sources to learn from, %d kept back, %d weights' % (len(crops), len(kept), sum(w.numel() for w in network.parameters())))
    optimiser = torch.optim.AdamW(network.parameters(), a.rate, weight_decay=1e-4)
    plan = torch.optim.lr_scheduler.OneCycleLR(optimiser, a.rate, a.steps, pct_start=.05)
    rng, generator, order, start, sums = np.random.default_rng(a.seed), torch.Generator().manual_seed(a.seed), [], time.time(), {}
    for step in range(1, a.steps + 1):
        if len(order) < SOURCES:
            order = list(rng.permutation(len(crops)))
        indices, order = order[:SOURCES], order[SOURCES:]
        source, target, flow, seen, inner, known, rows = sample(crops, indices, rng, 1)
        source, target, shown = disguise(source, target, flow, seen, rng, generator)
        T = rows.shape[1]
        rows = (rows + torch.randn(rows.shape, generator=generator) * .01 * (rows > 0)).clamp(0, 1)
        truth = [x.flatten(0, 1) for x in (target, flow, seen, inner)] + [known.repeat_interleave(T, 0)]
        loss, parts = losses(network, *draw(network, shown, rows), source.repeat_interleave(T, 0), *truth)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step(), plan.step()
        for k, v in parts.items():
            sums[k] = sums.get(k, 0) + float(v.detach()) / 50
        if step % 50 == 0:
            print('step %d, %.0f s: %s' % (step, time.time() - start, '  '.join('%s %.4f' % kv for kv in sums.items())), flush=True)
            sums = {}
        if step % a.look == 0 or step in (a.steps, a.stop):
            figures = look(network, kept, a.out.rsplit('.', 1)[0] + '.png')
            print('kept back: mouth region %.2f dB; the closed mouth as it is %.2f dB; mask off by %.2f %%' % tuple(figures), flush=True)
            torch.save(network.state_dict(), a.out)
        if step == a.stop:
            break


if __name__ == '__main__':
    main()
