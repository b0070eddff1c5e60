"""What the UNet and the VAE are both made of. Norms and softmax count in float32 whatever the weights are: in fp16 their sums overflow."""
import torch
from torch import nn
from torch.nn import functional as F


class GroupNorm(nn.GroupNorm):
    """Keeps its weights in float32, and gives back the type that came in."""

    def forward(self, x):
        return F.group_norm(x.float(), self.num_groups, self.weight.float(), self.bias.float(), self.eps).to(x.dtype)


class LayerNorm(nn.LayerNorm):
    """Keeps its weights in float32, and gives back the type that came in."""

    def forward(self, x):
        return F.layer_norm(x.float(), self.normalized_shape, self.weight.float(), self.bias.float(), self.eps).to(x.dtype)


def halve(network):
    """Weights to fp16, but for those of the norms."""
    network.half()
    for part in network.modules():
        if isinstance(part, (nn.GroupNorm, nn.LayerNorm)):
            part.float()
    return network


def attend(q, k, v, heads, scale=1.0):
    """Softmax(q k') v for [B, rows, heads x size] each; `scale` multiplies q, for where it is not in q's weights."""
    q, k, v = (t.unflatten(-1, (heads, -1)).transpose(1, 2) for t in (q, k, v))
    weights = torch.softmax(torch.matmul(q * scale if scale != 1 else q, k.transpose(-1, -2)).float(), -1).to(v.dtype)
    return torch.matmul(weights, v).transpose(1, 2).flatten(2)


class Resnet(nn.Module):
    """norm, SiLU, conv (+ what the time says), norm, SiLU, conv, + the input."""

    def __init__(self, channels_in, channels_out, groups, eps, time=0):
        super().__init__()
        self.norm1 = GroupNorm(groups, channels_in, eps=eps)
        self.conv1 = nn.Conv2d(channels_in, channels_out, 3, padding=1)
        self.time_emb_proj = nn.Linear(time, channels_out) if time else None
        self.norm2 = GroupNorm(groups, channels_out, eps=eps)
        self.conv2 = nn.Conv2d(channels_out, channels_out, 3, padding=1)
        self.conv_shortcut = nn.Conv2d(channels_in, channels_out, 1) if channels_in != channels_out else None

    def forward(self, x):
        h = self.conv1(F.silu(self.norm1(x)))
        h = self.conv2(F.silu(self.norm2(h)))
        return (x if self.conv_shortcut is None else self.conv_shortcut(x)) + h


class Downsample(nn.Module):
    """Half the side. The UNet pads 1 all around, the VAE at the right and the bottom alone."""

    def __init__(self, channels, all_around):
        super().__init__()
        self.all_around = all_around
        self.conv = nn.Conv2d(channels, channels, 3, stride=2, padding=1 if all_around else 0)

    def forward(self, x):
        return self.conv(x if self.all_around else F.pad(x, (0, 1, 0, 1)))


class Upsample(nn.Module):
    """Twice the side: nearest, then conv."""

    def __init__(self, channels):
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x):
        return self.conv(F.interpolate(x, scale_factor=2.0, mode='nearest'))
