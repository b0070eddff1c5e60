"""The graphs that the server runs, each a network with what belongs around it: what goes in and comes out is float32 or uint8.

Whatever is missing or doubled here would show as a slightly wrong mouth, so each graph says in its metadata what it contains.
"""
import math

import torch
from torch import nn

LATENT_SCALE = 0.18215

# name -> what the metadata says that it contains
CONTAINS = {
    'whisper-encoder': '',
    'unet': 'positional-encoding,timestep-0',
    'vae-decoder': 'latent-scale,uint8-nhwc-bgr,level',
    'vae-encoder': 'latent-scale,mean',
    'face-parsing': 'argmax',
    'fast-decoder': 'latent-scale,uint8-nhwc-bgr,level',
    'unet-decoder': 'positional-encoding,timestep-0,latent-scale,uint8-nhwc-bgr,level',
}


def positions(rows, width):
    """Sines in even columns, cosines in odd ones [rows, width], counted over the flattened rows."""
    rate = torch.exp(torch.arange(0, width, 2).double() * (-math.log(10_000) / width))
    angle = torch.arange(rows).double()[:, None] * rate
    return torch.stack([angle.sin(), angle.cos()], -1).flatten(1).float()


def as_picture(rgb):
    """RGB 0..255 [B, 3, H, W] -> BGR uint8 [B, H, W, 3], and the mean of each picture before rounding [B].

    The mean is not a number where any part of the picture is not: uint8 could not say so. Rounds by adding a half and cutting off,
    because WebGPU cuts off but does not round; that differs from rounding half to even only where a value ends in exactly .5.
    """
    rgb = rgb.float()
    bgr = torch.cat([rgb[:, 2:3], rgb[:, 1:2], rgb[:, 0:1]], 1).permute(0, 2, 3, 1)
    return (bgr.clamp(0, 255) + 0.5).to(torch.uint8), rgb.mean((1, 2, 3))


class WhisperGraph(nn.Module):
    """input_features [1, 80, mel frames] -> hidden [1, positions, 5, width]."""
    inputs, outputs = ('input_features',), ('hidden',)

    def __init__(self, encoder):
        super().__init__()
        self.encoder = encoder

    def forward(self, input_features):
        return self.encoder(input_features.to(self.encoder.conv1.weight.dtype)).float()


class UNetGraph(nn.Module):
    """latents [B, 8, side, side] + audio [B, 50, width], no positions added -> pred [B, 4, side, side]."""
    inputs, outputs = ('latents', 'audio'), ('pred',)

    def __init__(self, unet, sizes):
        super().__init__()
        self.unet = unet
        self.register_buffer('positions', positions(sizes.audio_rows, sizes.width), persistent=False)

    def forward(self, latents, audio):
        weight = self.unet.conv_in.weight.dtype
        return self.unet(latents.to(weight), (audio + self.positions.float()).to(weight)).float()


class DecoderGraph(nn.Module):
    """latents [B, 4, side, side], scaled -> image uint8 BGR [B, 8 side, 8 side, 3], level [B]."""
    inputs, outputs = ('latents',), ('image', 'level')

    def __init__(self, vae):
        super().__init__()
        self.vae = vae

    def forward(self, latents):
        rgb = self.vae.decode((latents / LATENT_SCALE).to(self.vae.post_quant_conv.weight.dtype))
        return as_picture(rgb.float() * 127.5 + 127.5)


class FastDecoderGraph(nn.Module):
    """As DecoderGraph, by the small decoder, which takes scaled latents and gives RGB 0..1."""
    inputs, outputs = ('latents',), ('image', 'level')

    def __init__(self, decoder):
        super().__init__()
        self.decoder = decoder

    def forward(self, latents):
        return as_picture(self.decoder(latents.to(self.decoder[1].weight.dtype)).float() * 255)


class EncoderGraph(nn.Module):
    """image [B, 3, side, side] RGB -1..1 -> latents [B, 4, side / 8, side / 8], the mean, scaled."""
    inputs, outputs = ('image',), ('latents',)

    def __init__(self, vae):
        super().__init__()
        self.vae = vae

    def forward(self, image):
        return self.vae.encode(image.to(self.vae.quant_conv.weight.dtype)).float() * LATENT_SCALE


class ParsingGraph(nn.Module):
    """image [1, 3, side, side] RGB, ImageNet-normalised -> labels uint8 [1, side, side]."""
    inputs, outputs = ('image',), ('labels',)

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, image):
        return self.network(image).argmax(1).to(torch.uint8)


def example(name, sizes, batch=2):
    """Shapes of what goes into the graph `name`, by input."""
    side, wide = sizes.latent, sizes.image
    return {
        'whisper-encoder': {'input_features': (1, sizes.mel_bins, sizes.mel_frames)},
        'unet': {'latents': (batch, 8, side, side), 'audio': (batch, sizes.audio_rows, sizes.width)},
        'unet-decoder': {'latents': (batch, 8, side, side), 'audio': (batch, sizes.audio_rows, sizes.width)},
        'vae-decoder': {'latents': (batch, 4, side, side)},
        'fast-decoder': {'latents': (batch, 4, side, side)},
        'vae-encoder': {'image': (batch, 3, wide, wide)},
        'face-parsing': {'image': (1, 3, sizes.parsing_image, sizes.parsing_image)},
    }[name]


# Graphs whose first dimension is free; the others take one at a time.
BATCHED = ('unet', 'unet-decoder', 'vae-decoder', 'fast-decoder', 'vae-encoder')
