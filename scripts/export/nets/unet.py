"""The UNet: latents [B, 8, side, side] + audio rows [B, 50, width], positions added -> clean latents [B, 4, side, side].

Shapes and weight names are those of diffusers' UNet2DConditionModel (CrossAttnDownBlock2D x 3, DownBlock2D, mid, UpBlock2D,
CrossAttnUpBlock2D x 3, two layers a block), so that the published `unet.pth` loads. The time is always 0 and is folded into the
first convolution of each Resnet by `fold`; before that the network does not run.
"""
import torch
from torch import nn
from torch.nn import functional as F

from .parts import Downsample, GroupNorm, LayerNorm, Resnet, Upsample, attend


class Attention(nn.Module):
    def __init__(self, channels, context, heads):
        super().__init__()
        self.heads = heads
        self.to_q = nn.Linear(channels, channels, bias=False)
        self.to_k = nn.Linear(context, channels, bias=False)
        self.to_v = nn.Linear(context, channels, bias=False)
        self.to_out = nn.ModuleList([nn.Linear(channels, channels)])

    def forward(self, x, context):
        return self.to_out[0](attend(self.to_q(x), self.to_k(context), self.to_v(context), self.heads))


class Gate(nn.Module):
    def __init__(self, channels, inner):
        super().__init__()
        self.proj = nn.Linear(channels, 2 * inner)

    def forward(self, x):
        value, gate = self.proj(x).chunk(2, -1)
        return value * F.gelu(gate)


class FeedForward(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.net = nn.ModuleList([Gate(channels, 4 * channels), nn.Identity(), nn.Linear(4 * channels, channels)])

    def forward(self, x):
        return self.net[2](self.net[0](x))


class Block(nn.Module):
    """Looks at the picture, then at the sound, then thinks."""

    def __init__(self, channels, context, heads):
        super().__init__()
        self.norm1 = LayerNorm(channels)
        self.attn1 = Attention(channels, channels, heads)
        self.norm2 = LayerNorm(channels)
        self.attn2 = Attention(channels, context, heads)
        self.norm3 = LayerNorm(channels)
        self.ff = FeedForward(channels)

    def forward(self, x, audio):
        h = self.norm1(x)
        x = x + self.attn1(h, h)
        x = x + self.attn2(self.norm2(x), audio)
        return x + self.ff(self.norm3(x))


class Transformer(nn.Module):
    def __init__(self, channels, context, heads, groups):
        super().__init__()
        self.norm = GroupNorm(groups, channels, eps=1e-6)
        self.proj_in = nn.Conv2d(channels, channels, 1)
        self.transformer_blocks = nn.ModuleList([Block(channels, context, heads)])
        self.proj_out = nn.Conv2d(channels, channels, 1)

    def forward(self, x, audio):
        h = self.proj_in(self.norm(x))
        rows = self.transformer_blocks[0](h.flatten(2).transpose(1, 2), audio)
        return x + self.proj_out(rows.transpose(1, 2).unflatten(-1, x.shape[-2:]))


class Stage(nn.Module):
    """Resnets, each with a transformer after it or none, and a change of size at the end or none."""

    def __init__(self, channels_in, channels, time, context, sizes, last):
        super().__init__()
        self.resnets = nn.ModuleList([Resnet(c, channels, sizes.unet_groups, 1e-5, time) for c in channels_in])
        if context:
            self.attentions = nn.ModuleList([Transformer(channels, context, sizes.unet_heads, sizes.unet_groups) for _ in channels_in])
        self.has_attention = bool(context)
        if last is not None:
            setattr(self, last, nn.ModuleList([Downsample(channels, True) if last == 'downsamplers' else Upsample(channels)]))

    def layer(self, i, x, audio):
        x = self.resnets[i](x)
        return self.attentions[i](x, audio) if self.has_attention else x


class Mid(nn.Module):
    def __init__(self, channels, time, sizes):
        super().__init__()
        self.attentions = nn.ModuleList([Transformer(channels, sizes.width, sizes.unet_heads, sizes.unet_groups)])
        self.resnets = nn.ModuleList([Resnet(channels, channels, sizes.unet_groups, 1e-5, time) for _ in range(2)])

    def forward(self, x, audio):
        return self.resnets[1](self.attentions[0](self.resnets[0](x), audio))


class Time(nn.Module):
    def __init__(self, channels, time):
        super().__init__()
        self.linear_1 = nn.Linear(channels, time)
        self.linear_2 = nn.Linear(time, time)


class UNet(nn.Module):
    def __init__(self, sizes):
        super().__init__()
        c, time, w = sizes.unet_channels, 4 * sizes.unet_channels[0], sizes.width
        self.conv_in = nn.Conv2d(8, c[0], 3, padding=1)
        self.time_embedding = Time(c[0], time)
        before = (c[0], *c)
        self.down_blocks = nn.ModuleList([
            Stage((before[i], c[i]), c[i], time, w if i < 3 else 0, sizes, 'downsamplers' if i < 3 else None) for i in range(4)])
        self.mid_block = Mid(c[3], time, sizes)
        skips = [c[0], *(channels for i in range(4) for channels in [c[i]] * (3 if i < 3 else 2))]
        ups, x = [], c[3]
        for i in range(4):
            channels = c[3 - i]
            channels_in = []
            for _ in range(3):
                channels_in.append(x + skips.pop())
                x = channels
            ups.append(Stage(channels_in, channels, time, w if i > 0 else 0, sizes, 'upsamplers' if i < 3 else None))
        self.up_blocks = nn.ModuleList(ups)
        self.conv_norm_out = GroupNorm(sizes.unet_groups, c[0], eps=1e-5)
        self.conv_out = nn.Conv2d(c[0], 4, 3, padding=1)

    @torch.no_grad()
    def fold(self):
        """Puts the time 0 into biases and the attentions' scale into the weights of q; to be called once, before it runs."""
        first = self.time_embedding.linear_1
        # The sinusoidal embedding of 0: cosines first, then sines.
        angles = torch.cat([torch.ones(first.in_features // 2), torch.zeros(first.in_features // 2)]).to(first.weight)
        said = F.silu(self.time_embedding.linear_2(F.silu(first(angles))))
        for part in self.modules():
            if isinstance(part, Resnet):
                part.conv1.bias += part.time_emb_proj(said)
                part.time_emb_proj = None
            elif isinstance(part, Attention):
                part.to_q.weight *= (part.to_q.out_features // part.heads) ** -0.5
        self.time_embedding = None
        return self

    def forward(self, latents, audio):
        if self.time_embedding is not None:
            raise RuntimeError('UNet.forward: fold() has to be called first, so that the time is in the weights')
        x = self.conv_in(latents)
        skips = [x]
        for stage in self.down_blocks:
            for i in range(2):
                x = stage.layer(i, x, audio)
                skips.append(x)
            if hasattr(stage, 'downsamplers'):
                x = stage.downsamplers[0](x)
                skips.append(x)
        x = self.mid_block(x, audio)
        for stage in self.up_blocks:
            for i in range(3):
                x = stage.layer(i, torch.cat([x, skips.pop()], 1), audio)
            if hasattr(stage, 'upsamplers'):
                x = stage.upsamplers[0](x)
        return self.conv_out(F.silu(self.conv_norm_out(x)))
