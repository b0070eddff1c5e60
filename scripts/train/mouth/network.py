"""The mouth -> picture network and how its answer becomes a picture. Coordinates are those of the product's mouth crop: 128 px, mouth
corners 52 px apart around (64, 52), face upright.

  features = network.look(planes)           what the face is like, whatever the mouth does: once per frame of an avatar's clip
  network.draw(*features, row)              -> flow [B, 2, 65, 65], alpha [B, 1, 128, 128]: once per spoken frame
planes float [B, 6, 64, 64], 0..1: the closed-mouth crop as I420 has it, BT.709 limited range: Y of each cell's four pixels, U, V
row float [B, 8]: the mouth parameters, 0..1
flow in px at nodes 2 px apart (the pixel at (u, v) is taken from (u, v) + flow), 0 at the border; alpha 0..1: where the mouth's inside is
seen. What is seen there is painted, not learned (server/engines/embedded/mouth-inside.ts).
"""
import torch
import torch.nn.functional as F
from torch import nn

CROP, NODES = 128, 65
FLOW_PX = 8.0           # what 1.0 of the flow head means


def window(size):
    """1 where mouths move, 0 at the crop's border, smooth between; [size, size], of nodes or pixels. Also in the product."""
    at = torch.linspace(0, CROP, size) if size == NODES else torch.arange(size) + 0.5
    ramp = lambda x: (x.clamp(0, 1) ** 2) * (3 - 2 * x.clamp(0, 1))      # noqa: E731
    across = ramp(at / 14) * ramp((CROP - at) / 14)
    down = ramp((at - 8) / 20) * ramp((CROP - at) / 12)
    return down[:, None] * across[None, :]


class Modulate(nn.Module):
    """scales and shifts channels as the mouth's numbers say (FiLM: Perez et al., 2018)"""

    def __init__(self, width, channels):
        super().__init__()
        self.scale, self.shift = nn.Linear(width, channels), nn.Linear(width, channels)
        nn.init.zeros_(self.scale.weight), nn.init.ones_(self.scale.bias)
        nn.init.zeros_(self.shift.bias)

    def forward(self, x, code):
        return x * self.scale(code)[..., None, None] + self.shift(code)[..., None, None]


def conv(a, b, stride=1):
    return nn.Conv2d(a, b, 3, stride, 1)


class MouthNetwork(nn.Module):
    def __init__(self, a=32, b=64, c=96):
        super().__init__()
        self.front, self.fine = conv(6, a, 2), conv(a, a)
        self.down1, self.middle = conv(a, b, 2), conv(b, b)
        self.down2, self.whole = conv(b, c, 2), conv(c, c)
        self.code = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU())
        self.coarse1, self.coarse2 = conv(c, c), conv(c, c)
        self.up1, self.join1 = nn.Conv2d(c, b, 1), conv(b, b)
        self.up2, self.join2 = nn.Conv2d(b, a, 1), conv(a, a)
        self.last, self.answer = conv(a, a), conv(a, 24)
        # Only where pictures are small: at full size these would cost more than the convolutions.
        self.m = nn.ModuleList([Modulate(64, n) for n in (c, c, b)])
        nn.init.zeros_(self.answer.weight[:8]), nn.init.zeros_(self.answer.bias)
        self.register_buffer('nodes', window(NODES)[None, None], persistent=False)
        self.register_buffer('pixels', window(CROP)[None, None], persistent=False)

    def look(self, planes):
        """-> features [B, 32, 32, 32], [B, 64, 16, 16], [B, 96, 8, 8], all >= 0"""
        fine = F.relu(self.fine(F.relu(self.front(planes - 0.5))))
        middle = F.relu(self.middle(F.relu(self.down1(fine))))
        coarse = F.relu(self.down2(middle))
        return fine, middle, F.relu(self.whole(coarse) + coarse)

    def move(self, fine, middle, coarse, row):
        """-> 8 numbers of flow (2 x 2 nodes, x and y), 16 logits of alpha (4 x 4 pixels) per cell: [B, 24, 32, 32]"""
        code = self.code(row)
        x = F.relu(self.m[0](self.coarse1(coarse), code))
        x = F.relu(self.m[1](self.coarse2(x), code) + coarse)
        x = F.relu(F.interpolate(self.up1(x), scale_factor=2) + middle)
        x = F.relu(self.m[2](self.join1(x), code))
        x = F.relu(F.interpolate(self.up2(x), scale_factor=2) + fine)
        return self.answer(F.relu(self.last(F.relu(self.join2(x)))))

    def draw(self, fine, middle, coarse, row):
        answer = self.move(fine, middle, coarse, row).float()
        flow = F.pad(F.pixel_shuffle(answer[:, :8], 2) * FLOW_PX, (0, 1, 0, 1)) * self.nodes
        return flow, torch.sigmoid(F.pixel_shuffle(answer[:, 8:], 4)) * self.pixels


def per_pixel(flow):
    """flow at nodes -> flow at the middles of the 128 x 128 pixels"""
    return F.avg_pool2d(F.interpolate(flow, size=CROP + 1, mode='bilinear', align_corners=True), 2, 1)


def warp(picture, flow):
    """picture [B, C, 128, 128] as the flow at pixels moves it"""
    at = torch.arange(CROP, dtype=torch.float32) + 0.5
    grid = torch.stack([(at[None, :] + flow[:, 0]) / 64 - 1, (at[:, None] + flow[:, 1]) / 64 - 1], -1)
    return F.grid_sample(picture, grid, mode='bilinear', padding_mode='border', align_corners=False)


def to_planes(rgb):
    """rgb [B, 3, 128, 128], 0..1 -> planes as the network sees them"""
    r, g, b = rgb[:, 0:1], rgb[:, 1:2], rgb[:, 2:3]
    y = 0.2126 * r + 0.7152 * g + 0.0722 * b
    u, v = F.avg_pool2d((b - y) / 1.8556, 2), F.avg_pool2d((r - y) / 1.5748, 2)
    y = F.pixel_unshuffle(y, 2)
    return torch.cat([(16 + 219 * y) / 255, (128 + 224 * u) / 255, (128 + 224 * v) / 255], 1)
