"""Whisper's encoder: log-mel [1, 80, 2 x positions] -> the five hidden states that MuseTalk listens to [1, positions, 5, width].

State 0 is the input of the first block, 1 to 3 are the outputs of the first three, 4 is the output of the last one after the final
norm. Weight names are those of transformers' WhisperEncoder.
"""
import torch
from torch import nn
from torch.nn import functional as F

from .parts import LayerNorm, attend


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.k_proj = nn.Linear(width, width, bias=False)
        self.v_proj, self.q_proj, self.out_proj = (nn.Linear(width, width) for _ in range(3))

    def forward(self, x):
        scale = (self.q_proj.out_features // self.heads) ** -0.5
        return self.out_proj(attend(self.q_proj(x), self.k_proj(x), self.v_proj(x), self.heads, scale))


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.self_attn = Attention(width, heads)
        self.self_attn_layer_norm = LayerNorm(width)
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, width)
        self.final_layer_norm = LayerNorm(width)

    def forward(self, x):
        x = x + self.self_attn(self.self_attn_layer_norm(x))
        return x + self.fc2(F.gelu(self.fc1(self.final_layer_norm(x))))


class WhisperEncoder(nn.Module):
    def __init__(self, sizes):
        super().__init__()
        self.conv1 = nn.Conv1d(sizes.mel_bins, sizes.width, 3, padding=1)
        self.conv2 = nn.Conv1d(sizes.width, sizes.width, 3, stride=2, padding=1)
        self.embed_positions = nn.Embedding(sizes.positions, sizes.width)
        self.layers = nn.ModuleList([Block(sizes.width, sizes.whisper_heads) for _ in range(sizes.whisper_blocks)])
        self.layer_norm = LayerNorm(sizes.width)

    def forward(self, mel):
        x = F.gelu(self.conv2(F.gelu(self.conv1(mel)))).transpose(1, 2) + self.embed_positions.weight
        states = [x]
        for block in self.layers:
            x = block(x)
            states.append(x)
        states[-1] = self.layer_norm(x)
        return torch.stack(states, 2)
