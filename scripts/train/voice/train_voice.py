"""Trains voice -> mouth: a GRU that hears 40 ms at a time and answers for the frame that ended 80 ms ago.

  python3 train_voice.py --streams out/streams-*.npz --out out/voice.pt --minutes 22 --threads 2
The loss is cross-entropy between curves and outputs, press and tuck weighted up, plus the viseme's class from a second head that
is left behind at export. Every 20th stream is kept for validation (same voices; the bench `lips` judges by voices never heard).
"""
import argparse
import time

import numpy as np
import torch
from torch import nn

LOOK_AHEAD_FRAMES = 2
HIDDEN = 256
CROP_STEPS = 150                 # half of the crops begin where the stream does, half in the midst of speech, as after an interrupt
WEIGHTS = torch.tensor([2.0, 1.0, 1.0, 1.0, 1.3, 3.0, 3.0, 0.5])
# The running normalisation; see normalise().
FIRST_PEAK, LOWEST_PEAK, ATTACK, DECAY, ACTIVE_WITHIN = -3.5, -7.0, 0.6, 0.01, 2.0
PRIOR_ROWS, MOST_ROWS = 60.0, 400.0
LEVEL_BINS = (4, 61)


class VoiceNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.front = nn.Linear(4 * 80, 192)
        self.gru1 = nn.GRU(192, HIDDEN, batch_first=True)
        self.gru2 = nn.GRU(HIDDEN, HIDDEN, batch_first=True)
        self.mouth = nn.Linear(HIDDEN, 8)
        self.viseme = nn.Linear(HIDDEN, 15)
        self.register_buffer('prior', torch.zeros(80))           # mean speech spectrum against the peak

    def forward(self, normalised):
        """[batch, steps, 320] -> logits [batch, steps, 8] and [batch, steps, 15]"""
        h = torch.relu(self.front(normalised))
        h, _ = self.gru1(h)
        h, _ = self.gru2(h)
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


def main():
    p = argparse.ArgumentParser()
    p.add_argument('--streams', nargs='+', required=True)
    p.add_argument('--out', required=True)
    p.add_argument('--minutes', type=float, default=22)
    p.add_argument('--threads', type=int, default=2)
    p.add_argument('--seed', type=int, default=1)
    p.add_argument('--start', help='go on from this earlier result')
    a = p.parse_args()
    torch.manual_seed(a.seed)
    torch.set_num_threads(a.threads)
    x, y, c = (np.concatenate(parts) for parts in zip(*[[f[k] for k in 'xyc'] for f in map(np.load, a.streams)]))
    x = x.reshape(len(x), -1, 4, 80)
    network = VoiceNetwork()
    if a.start:
        network.load_state_dict(torch.load(a.start))
    else:
        spoken = x[::7].astype(np.float32)[c[::7] > 0]            # [frames, 4, 80]
        level = spoken[:, :, LEVEL_BINS[0]:LEVEL_BINS[1]].mean((1, 2))
        network.prior[:] = torch.tensor((spoken - level[:, None, None]).mean((0, 1)) - 1.0)
    x = torch.tensor(normalise(x, network.prior.numpy()))
    y, c = torch.tensor(y), torch.tensor(c.astype(np.int64))
    held = torch.arange(len(x)) % 20 == 10
    train, held = torch.where(~held)[0], torch.where(held)[0]
    print('%d streams, %d parameters' % (len(x), sum(w.numel() for w in network.parameters())), flush=True)

    def loss_of(index, first=0, steps=x.shape[1]):
        logits, visemes = network(x[index, first:first + steps].float())
        logits, visemes = logits[:, LOOK_AHEAD_FRAMES:], visemes[:, LOOK_AHEAD_FRAMES:]
        target, kind = y[index, first:first + steps - LOOK_AHEAD_FRAMES].float(), c[index, first:first + steps - LOOK_AHEAD_FRAMES]
        weight = WEIGHTS * (1 + target * torch.tensor([0.0, 0, 0, 0, 0, 1.5, 1.5, 0]))
        mouth = (nn.functional.binary_cross_entropy_with_logits(logits, target, reduction='none') * weight).mean()
        aux = nn.functional.cross_entropy(visemes.flatten(0, 1), kind.flatten())
        return mouth + 0.3 * aux, logits, target

    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3, weight_decay=1e-3)
    batch, start, step, epoch = 32, time.time(), 0, 0
    rng = np.random.default_rng(a.seed)
    while True:
        order, total = train[torch.randperm(len(train))], 0.0
        for at in range(0, len(order) - batch + 1, batch):
            done = (time.time() - start) / (a.minutes * 60)
            if done >= 1:
                break
            warm = 1.0 if a.start else min(1.0, (step + 1) / 100)
            optimizer.param_groups[0]['lr'] = (1e-3 if a.start else 2e-3) * warm * (0.5 + 0.5 * np.cos(np.pi * done)) + 1e-5
            first = int(rng.choice([0, rng.integers(0, x.shape[1] - CROP_STEPS + 1)]))
            loss, _, _ = loss_of(order[at:at + batch], first, CROP_STEPS)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            total, step = total + loss.item(), step + 1
        with torch.no_grad():
            network.eval()
            losses, errors = [], []
            for index in held.split(64):
                loss, logits, target = loss_of(index)
                losses.append(loss.item())
                errors.append((torch.sigmoid(logits) - target).abs().mean((0, 1)))
            network.train()
        epoch += 1
        print('epoch %d, %.1f min: training %.4f, validation %.4f, error %s' % (
            epoch, (time.time() - start) / 60, total / max(1, len(order) // batch), np.mean(losses),
            ' '.join('%.3f' % e for e in torch.stack(errors).mean(0))), flush=True)
        torch.save(network.state_dict(), a.out)
        if (time.time() - start) / (a.minutes * 60) >= 1:
            return


if __name__ == '__main__':
    main()
