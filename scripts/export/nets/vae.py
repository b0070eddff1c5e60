"""Pictures <-> latents: both halves of sd-vae-ft-mse.

Shapes and weight names are those of diffusers' AutoencoderKL; `encoder` and `decoder` are the two halves of its state, with
`quant_conv` and `post_quant_conv`.
"""
from torch import nn
from torch.nn import functional as F

from .parts import Downsample, GroupNorm, Resnet, Upsample, attend


class Attention(nn.Module):
    """One head over all places."""

    def __init__(self, channels, groups):
        super().__init__()
        self.group_norm = GroupNorm(groups, channels, eps=1e-6)
        self.to_q, self.to_k, self.to_v = (nn.Linear(channels, channels) for _ in range(3))
        self.to_out = nn.ModuleList([nn.Linear(channels, channels)])

    def forward(self, x):
        rows = self.group_norm(x).flatten(2).transpose(1, 2)
        seen = attend(self.to_q(rows), self.to_k(rows), self.to_v(rows), 1, rows.shape[-1] ** -0.5)
        return x + self.to_out[0](seen).transpose(1, 2).unflatten(-1, x.shape[-2:])


class Mid(nn.Module):
    def __init__(self, channels, groups):
        super().__init__()
        self.attentions = nn.ModuleList([Attention(channels, groups)])
        self.resnets = nn.ModuleList([Resnet(channels, channels, groups, 1e-6) for _ in range(2)])

    def forward(self, x):
        return self.resnets[1](self.attentions[0](self.resnets[0](x)))


class Stage(nn.Module):
    def __init__(self, channels_in, channels, layers, groups, last):
        super().__init__()
        self.resnets = nn.ModuleList([Resnet(channels_in if i == 0 else channels, channels, groups, 1e-6) for i in range(layers)])
        self.last = last
        if last is not None:
            setattr(self, last, nn.ModuleList([Downsample(channels, False) if last == 'downsamplers' else Upsample(channels)]))

    def forward(self, x):
        for resnet in self.resnets:
            x = resnet(x)
        return x if self.last is None else getattr(self, self.last)[0](x)


class Encoder(nn.Module):
    def __init__(self, c, groups):
        super().__init__()
        before = (c[0], *c)
        self.conv_in = nn.Conv2d(3, c[0], 3, padding=1)
        self.down_blocks = nn.ModuleList([Stage(before[i], c[i], 2, groups, 'downsamplers' if i < 3 else None) for i in range(4)])
        self.mid_block = Mid(c[3], groups)
        self.conv_norm_out = GroupNorm(groups, c[3], eps=1e-6)
        self.conv_out = nn.Conv2d(c[3], 8, 3, padding=1)

    def forward(self, x):
        x = self.conv_in(x)
        for stage in self.down_blocks:
            x = stage(x)
        return self.conv_out(F.silu(self.conv_norm_out(self.mid_block(x))))


class Decoder(nn.Module):
    def __init__(self, c, groups):
        super().__init__()
        c = c[::-1]
        before = (c[0], *c)
        self.conv_in = nn.Conv2d(4, c[0], 3, padding=1)
        self.mid_block = Mid(c[0], groups)
        self.up_blocks = nn.ModuleList([Stage(before[i], c[i], 3, groups, 'upsamplers' if i < 3 else None) for i in range(4)])
        self.conv_norm_out = GroupNorm(groups, c[3], eps=1e-6)
        self.conv_out = nn.Conv2d(c[3], 3, 3, padding=1)

    def forward(self, x):
        x = self.mid_block(self.conv_in(x))
        for stage in self.up_blocks:
            x = stage(x)
        return self.conv_out(F.silu(self.conv_norm_out(x)))


class Vae(nn.Module):
    def __init__(self, sizes):
        super().__init__()
        self.encoder = Encoder(sizes.vae_channels, sizes.vae_groups)
        self.decoder = Decoder(sizes.vae_channels, sizes.vae_groups)
        self.quant_conv = nn.Conv2d(8, 8, 1)
        self.post_quant_conv = nn.Conv2d(4, 4, 1)

    def encode(self, image):
        """RGB -1..1 [B, 3, side, side] -> mean of the latents [B, 4, side / 8, side / 8], not scaled."""
        return self.quant_conv(self.encoder(image))[:, :4]

    def decode(self, latents):
        """Latents, not scaled -> RGB, about -1..1."""
        return self.decoder(self.post_quant_conv(latents))
