"""BiSeNet: a face [1, 3, side, side], ImageNet-normalised RGB -> what each pixel belongs to, logits [1, 19, side, side].

Weight names are those of the published `79999_iter.pth`. The two outputs that only its training used (`conv_out16`, `conv_out32`) are
not built here; `TRAINING_ONLY` says how their weights begin.
"""
import torch
from torch import nn
from torch.nn import functional as F

TRAINING_ONLY = ('conv_out16.', 'conv_out32.')


class ConvBnRelu(nn.Module):
    def __init__(self, channels_in, channels, kernel=3):
        super().__init__()
        self.conv = nn.Conv2d(channels_in, channels, kernel, padding=kernel // 2, bias=False)
        self.bn = nn.BatchNorm2d(channels)

    def forward(self, x):
        return F.relu(self.bn(self.conv(x)))


class BasicBlock(nn.Module):
    def __init__(self, channels_in, channels, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.downsample = None
        if stride != 1 or channels_in != channels:
            self.downsample = nn.Sequential(nn.Conv2d(channels_in, channels, 1, stride, bias=False), nn.BatchNorm2d(channels))

    def forward(self, x):
        h = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(h + (x if self.downsample is None else self.downsample(x)))


class Resnet18(nn.Module):
    """Features at 1/8, 1/16 and 1/32 of the side."""

    def __init__(self, c):
        super().__init__()
        self.conv1 = nn.Conv2d(3, c, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(c)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        self.layer1 = nn.Sequential(BasicBlock(c, c, 1), BasicBlock(c, c, 1))
        self.layer2 = nn.Sequential(BasicBlock(c, 2 * c, 2), BasicBlock(2 * c, 2 * c, 1))
        self.layer3 = nn.Sequential(BasicBlock(2 * c, 4 * c, 2), BasicBlock(4 * c, 4 * c, 1))
        self.layer4 = nn.Sequential(BasicBlock(4 * c, 8 * c, 2), BasicBlock(8 * c, 8 * c, 1))

    def forward(self, x):
        eighth = self.layer2(self.layer1(self.maxpool(F.relu(self.bn1(self.conv1(x))))))
        sixteenth = self.layer3(eighth)
        return eighth, sixteenth, self.layer4(sixteenth)


def mean_of_all(x):
    return x.mean((2, 3), keepdim=True)


class Refinement(nn.Module):
    def __init__(self, channels_in, channels):
        super().__init__()
        self.conv = ConvBnRelu(channels_in, channels)
        self.conv_atten = nn.Conv2d(channels, channels, 1, bias=False)
        self.bn_atten = nn.BatchNorm2d(channels)

    def forward(self, x):
        x = self.conv(x)
        return x * torch.sigmoid(self.bn_atten(self.conv_atten(mean_of_all(x))))


class ContextPath(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.resnet = Resnet18(c)
        self.arm16 = Refinement(4 * c, 2 * c)
        self.arm32 = Refinement(8 * c, 2 * c)
        self.conv_head32 = ConvBnRelu(2 * c, 2 * c)
        self.conv_head16 = ConvBnRelu(2 * c, 2 * c)
        self.conv_avg = ConvBnRelu(8 * c, 2 * c, 1)

    def forward(self, x):
        eighth, sixteenth, thirtysecond = self.resnet(x)
        coarse = self.arm32(thirtysecond) + self.conv_avg(mean_of_all(thirtysecond))
        middle = self.arm16(sixteenth) + self.conv_head32(F.interpolate(coarse, scale_factor=2.0, mode='nearest'))
        return eighth, self.conv_head16(F.interpolate(middle, scale_factor=2.0, mode='nearest'))


class Fusion(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.convblk = ConvBnRelu(4 * c, 4 * c, 1)
        self.conv1 = nn.Conv2d(4 * c, c, 1, bias=False)
        self.conv2 = nn.Conv2d(c, 4 * c, 1, bias=False)

    def forward(self, spatial, context):
        x = self.convblk(torch.cat([spatial, context], 1))
        return x + x * torch.sigmoid(self.conv2(F.relu(self.conv1(mean_of_all(x)))))


class Output(nn.Module):
    def __init__(self, channels_in, channels, labels):
        super().__init__()
        self.conv = ConvBnRelu(channels_in, channels)
        self.conv_out = nn.Conv2d(channels, labels, 1, bias=False)

    def forward(self, x):
        return self.conv_out(self.conv(x))


class FaceParsing(nn.Module):
    def __init__(self, sizes):
        super().__init__()
        c = sizes.parsing_channels
        self.cp = ContextPath(c)
        self.ffm = Fusion(c)
        self.conv_out = Output(4 * c, 4 * c, sizes.labels)

    def forward(self, image):
        logits = self.conv_out(self.ffm(*self.cp(image)))
        return F.interpolate(logits, scale_factor=8.0, mode='bilinear', align_corners=True)
