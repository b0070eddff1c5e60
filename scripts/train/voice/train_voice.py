"""Trains voice -> mouth: a GRU that hears 40 ms at a time and answers for the frame that ended 80 ms ago.

  python3 train_voice.py --streams out/streams-*.npz --out out/voice.pt --steps 4000
The loss is cross-entropy between curves and outputs, press and tuck weighted up, plus the viseme's class from a second head that
is left behind at export. Every time a stream is heard, it is through another microphone and in another steady noise, which is added to its
spectrum: without, a few thousand streams are known by heart after ten rounds, and strangers' lips are read worse and worse. Every 40th stream is kept for validation (same voices; the bench `lips` judges by voices never heard).
The result is the running mean of the weights. Steps are counted, seeds fixed and one thread computes, so the same machine and PyTorch make
the same weights again.
"""
import argparse
import copy
import time

import numpy as np
import torch
from torch import nn

LOOK_AHEAD_FRAMES = 2
HIDDEN = 256
CROP_STEPS, BATCH = 120, 48      # half of the crops begin where the stream does, half in the midst of speech, as after an interrupt
LEARNING_RATE, MEAN_DECAY = 2e-3, 0.998
WEIGHTS = torch.tensor([2.0, 1.0, 1.0, 1.0, 1.3, 3.0, 3.0, 0.5])
HELD_EVERY, REPORT_EVERY = 40, 250
DROPPED, WEIGHT_DECAY = 0.15, 1e-2
# The running normalisation; see normalise().
FIRST_PEAK, LOWEST_PEAK, ATTACK, DECAY, ACTIVE_WITHIN = -3.5, -7.0, 0.6, 0.01, 2.0
PRIOR_ROWS, MOST_ROWS = 60.0, 400.0
LEVEL_BINS = (4, 61)
LN10 = np.log(10)
# Middles of the log-mel's bins: 15 mels to 1 kHz, 27 mels for a factor of 6.4 above.
_MELS = (15 + np.log(8) * 27 / np.log(6.4)) * np.arange(1, 81) / 81
OCTAVES = np.log2(np.where(_MELS < 15, _MELS * 200 / 3, 1000 * np.exp((_MELS - 15) * np.log(6.4) / 27)) / 1000)
# How many spectral lines of 40 Hz a bin adds up: the more, the less noise flickers in it.
LINES = np.maximum(1.5, np.gradient(1000 * 2 ** OCTAVES) / 40)


class VoiceNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.front = nn.Linear(4 * 80, 192)
        self.drop = nn.Dropout(DROPPED)
        self.gru1 = nn.GRU(192, HIDDEN, batch_first=True)
        self.gru2 = nn.GRU(HIDDEN, HIDDEN, batch_first=True)
        self.mouth = nn.Linear(HIDDEN, 8)
        self.viseme = nn.Linear(HIDDEN, 15)
        self.register_buffer('prior', torch.zeros(80))           # mean speech spectrum against the peak

    def forward(self, normalised):
        """[batch, steps, 320] -> logits [batch, steps, 8] and [batch, steps, 15]"""
        h = self.drop(torch.relu(self.front(normalised)))
        h, _ = self.gru1(h)
        h, _ = self.gru2(self.drop(h))
        h = self.drop(h)
        return self.mouth(h), self.viseme(h)


def normalise(x, prior):
    """[streams, steps, 4, 80] log-mel -> [streams, steps, 320], each stream on its own and without looking ahead.

    The peak follows the loudest row (mean over bins), up fast and down by 2.5 dB a second. Rows within 20 dB of it count to the
    mean shape, whose first guess is `prior` with the weight of 600 ms. What is left is clipped and halved."""
    n, steps = x.shape[:2]
    peak, shape, rows = np.full(n, FIRST_PEAK, np.float32), np.tile(prior, (n, 1)).astype(np.float32), np.zeros(n, np.float32)
    out = np.empty((n, steps, 320), np.float16)
    for t in range(steps):
        now = x[:, t].astype(np.float32)
        level = now[:, :, LEVEL_BINS[0]:LEVEL_BINS[1]].mean(2)
        loudest = level.max(1)
        peak = np.maximum(np.where(loudest > peak, peak + ATTACK * (loudest - peak), peak - DECAY), LOWEST_PEAK)
        active = 1 / (1 + np.exp(-4 * (level - peak[:, None] + ACTIVE_WITHIN)))
        count = active.sum(1)
        mean = (active[:, :, None] * now).sum(1) / (count[:, None] + 1e-6) - peak[:, None]
        rows = np.minimum(rows + count, MOST_ROWS)
        shape += (count / (rows + PRIOR_ROWS))[:, None] * (mean - shape)
        out[:, t] = np.clip((now - peak[:, None, None] - shape[:, None]) / 2, -2, 1.5).reshape(n, 320)
    return out


def colour(rng, n):
    """-> [n, 80] log10 of power over the bins: a slope of up to 2 dB an octave, and three hills or dips"""
    out = rng.uniform(-0.2, 0.2, (n, 1)) * OCTAVES
    for _ in range(3):
        middle, width, height = rng.uniform(-4, 3, (n, 1)), rng.uniform(0.3, 1.5, (n, 1)), rng.uniform(-0.5, 0.5, (n, 1))
        out += height * np.exp(-((OCTAVES - middle) / width) ** 2)
    return out


def heard_elsewhere(x, rng):
    """[streams, steps, 4, 80] log-mel -> the same through other microphones, half of them in steady noise 5 to 30 dB below, white or
    duller, that swells"""
    n, steps = x.shape[:2]
    x = x.astype(np.float32) + ((rng.random((n, 1)) < 0.7) * colour(rng, n))[:, None, None].astype(np.float32)
    k = np.flatnonzero(rng.random(n) < 0.5)
    power = np.exp(x[k] * np.float32(LN10))
    level = np.log10(power.mean((1, 2, 3)) + 1e-10) - rng.uniform(0.5, 3, len(k))
    slope = -rng.choice([0, 0, 0.15, 0.3, 0.45], len(k))[:, None] * OCTAVES
    shape = slope + 0.7 * (rng.random((len(k), 1)) < 0.5) * colour(rng, len(k))
    shape -= np.log10((10 ** shape).mean(1, keepdims=True))
    swell = rng.uniform(0, 0.3, (len(k), 1)) * np.sin(rng.uniform(0, 6, (len(k), 1)) + rng.uniform(0.01, 0.1, (len(k), 1)) * np.arange(steps))
    flicker = np.maximum(0.02, 1 + rng.standard_normal(power.shape, np.float32) / np.sqrt(LINES).astype(np.float32))
    loud = 10 ** ((level[:, None] + swell)[:, :, None, None] + shape[:, None, None]).astype(np.float32)
    x[k] = np.log(power + loud * flicker + np.float32(1e-10)) / np.float32(LN10)
    return x


def masked(x, rng):
    """hides a band of up to 16 bins in a third of the streams, and in a fifth up to 80 ms: nothing alone should be needed"""
    x = x.reshape(*x.shape[:2], 4, 80)
    for k in np.flatnonzero(rng.random(len(x)) < 0.33):
        width = int(rng.integers(2, 17))
        first = int(rng.integers(0, 81 - width))
        x[k, :, :, first:first + width] = 0
    for k in np.flatnonzero(rng.random(len(x)) < 0.2):
        first = int(rng.integers(0, x.shape[1] - 1))
        x[k, first:first + int(rng.integers(1, 3))] = 0
    return x.reshape(*x.shape[:2], 320)


def load(paths, network, from_prior):
    """-> log-mel, curves, visemes; sets the network's prior, unless an earlier training did"""
    x, y, c = (np.concatenate(parts) for parts in zip(*[[f[k] for k in 'xyc'] for f in map(np.load, paths)]))
    x = x.reshape(len(x), -1, 4, 80)
    if not from_prior:
        spoken = x[::17].astype(np.float32)[c[::17] > 0]           # [frames, 4, 80]
        level = spoken[:, :, LEVEL_BINS[0]:LEVEL_BINS[1]].mean((1, 2))
        network.prior[:] = torch.tensor((spoken - level[:, None, None]).mean((0, 1)) - 1.0)
    return x, torch.tensor(y), torch.tensor(c.astype(np.int64))


def loss_of(network, x, y, c):
    """-> loss, logits, target; x is normalised sound of `steps` frames, y and c what belongs to the same frames"""
    logits, visemes = network(x)
    logits, visemes = logits[:, LOOK_AHEAD_FRAMES:], visemes[:, LOOK_AHEAD_FRAMES:]
    target, kind = y[:, :-LOOK_AHEAD_FRAMES].float(), c[:, :-LOOK_AHEAD_FRAMES]
    weight = WEIGHTS * (1 + target * torch.tensor([0.0, 0, 0, 0, 0, 1.5, 1.5, 0]))
    mouth = (nn.functional.binary_cross_entropy_with_logits(logits, target, reduction='none') * weight).mean()
    aux = nn.functional.cross_entropy(visemes.flatten(0, 1), kind.flatten())
    return mouth + 0.3 * aux, logits, target


def validate(network, x, y, c):
    """-> a line of figures"""
    losses, errors = [], []
    with torch.no_grad():
        for at in range(0, len(x), 64):
            loss, logits, target = loss_of(network, x[at:at + 64].float(), y[at:at + 64], c[at:at + 64])
            losses.append(loss.item())
            errors.append((torch.sigmoid(logits) - target).abs().mean((0, 1)))
    return 'validation %.4f, error %s' % (np.mean(losses), ' '.join('%.3f' % e for e in torch.stack(errors).mean(0)))


def main():
    p = argparse.ArgumentParser()
    p.add_argument('--streams', nargs='+', required=True)
    p.add_argument('--out', required=True)
    p.add_argument('--steps', type=int, default=4000)
    p.add_argument('--seed', type=int, default=1)
    p.add_argument('--start', help='go on from this earlier result, .pt or exported .onnx')
    a = p.parse_args()
    torch.manual_seed(a.seed)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    network = VoiceNetwork()
    if a.start and a.start.endswith('.onnx'):
        from export_voice import read
        network.load_state_dict(read(a.start).state_dict())
    elif a.start:
        network.load_state_dict(torch.load(a.start))
    x, y, c = load(a.streams, network, a.start)
    prior = network.prior.numpy()
    held = torch.arange(len(x)) % HELD_EVERY == HELD_EVERY // 2
    train, held = torch.where(~held)[0], torch.where(held)[0]
    print('%d streams, %d parameters' % (len(x), sum(w.numel() for w in network.parameters())), flush=True)
    x_held = torch.tensor(normalise(x[held], prior))
    mean = copy.deepcopy(network).eval()
    optimizer = torch.optim.AdamW(network.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    rng, start, total, order = np.random.default_rng(a.seed), time.time(), 0.0, train[:0]
    for step in range(a.steps):
        if len(order) < BATCH:
            order = train[torch.randperm(len(train))]
        index, order = order[:BATCH], order[BATCH:]
        top = LEARNING_RATE / 2 if a.start else LEARNING_RATE * min(1, (step + 1) / 100)
        optimizer.param_groups[0]['lr'] = top * (0.5 + 0.5 * np.cos(np.pi * step / a.steps)) + 1e-5
        first = int(rng.choice([0, rng.integers(0, x.shape[1] - CROP_STEPS + 1)]))
        crop = slice(first, first + CROP_STEPS)
        sound = torch.tensor(normalise(heard_elsewhere(x[index, :crop.stop], rng), prior))
        loss, _, _ = loss_of(network, masked(sound[:, first:].float(), rng), y[index, crop], c[index, crop])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        total += loss.item()
        with torch.no_grad():
            for kept, new in zip(mean.parameters(), network.parameters()):
                kept.lerp_(new, 1 - min(MEAN_DECAY, (step + 1) / (step + 10)))
        if (step + 1) % REPORT_EVERY == 0 or step + 1 == a.steps:
            print('step %d, %.1f min: training %.4f, %s' % (
                step + 1, (time.time() - start) / 60, total / ((step % REPORT_EVERY) + 1), validate(mean, x_held, y[held], c[held])), flush=True)
            torch.save(mean.state_dict(), a.out)
            total = 0.0


if __name__ == '__main__':
    main()
