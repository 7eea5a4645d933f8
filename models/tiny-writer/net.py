"""A small GPT: the whole of what a large one has, at a size that a cheap phone shows live."""
import math

import torch
import torch.nn.functional as F
from torch import nn

LENGTH, WIDTH, LAYERS, HEADS = 192, 160, 4, 4


class Layer(nn.Module):
    def __init__(self, dropout: float):
        super().__init__()
        self.before_attention, self.before_thinking = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.query, self.key, self.value, self.out = (nn.Linear(WIDTH, WIDTH) for _ in range(4))
        self.up, self.down = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)
        self.dropout = nn.Dropout(dropout)

    def heads(self, x):
        """[n,t,width] to [n,heads,t,width/heads]."""
        return x.view(x.shape[0], x.shape[1], HEADS, WIDTH // HEADS).transpose(1, 2)

    def attend(self, query, keys, values, mask):
        weights = torch.softmax(query @ keys.transpose(2, 3) / math.sqrt(WIDTH // HEADS) + mask, dim=-1)
        mixed = (self.dropout(weights) @ values).transpose(1, 2).reshape(query.shape[0], query.shape[2], WIDTH)
        return mixed, weights

    def think(self, x):
        return x + self.dropout(self.down(F.relu(self.up(self.before_thinking(x)))))

    def forward(self, x, mask):
        y = self.before_attention(x)
        mixed, _ = self.attend(self.heads(self.query(y)), self.heads(self.key(y)), self.heads(self.value(y)), mask)
        return self.think(x + self.dropout(self.out(mixed)))


class Writer(nn.Module):
    """Token numbers [n,t] to logits [n,t,tokens]; the table of tokens reads and writes."""

    def __init__(self, tokens: int, dropout: float = 0.1):
        super().__init__()
        self.tokens, self.places = nn.Embedding(tokens, WIDTH), nn.Embedding(LENGTH, WIDTH)
        nn.init.normal_(self.tokens.weight, std=0.02)
        nn.init.normal_(self.places.weight, std=0.02)
        self.layers = nn.ModuleList(Layer(dropout) for _ in range(LAYERS))
        for layer in self.layers:
            for deep in (layer.out, layer.down):
                nn.init.normal_(deep.weight, std=0.02 / math.sqrt(2 * LAYERS))
        self.last = nn.LayerNorm(WIDTH)
        self.dropout = nn.Dropout(dropout)

    def forward(self, tokens):
        t = tokens.shape[1]
        mask = torch.full((t, t), -1e4, device=tokens.device).triu(1)
        x = self.dropout(self.tokens(tokens) + self.places(torch.arange(t, device=tokens.device)))
        for layer in self.layers:
            x = layer(x, mask)
        return self.last(x) @ self.tokens.weight.T


class Step(nn.Module):
    """One token at a time, as the phone runs it: what was computed for earlier tokens comes back as `past`.

    Every shape is fixed. The place in the text picks a row of two tables: which places may be looked at, and which place of the
    memory is written now; so a step is gathers, products and additions only."""

    def __init__(self, writer: Writer):
        super().__init__()
        self.writer = writer
        visible = torch.arange(LENGTH) <= torch.arange(LENGTH).unsqueeze(1)
        self.register_buffer("masks", torch.where(visible, 0.0, -1e4))
        self.register_buffer("here", torch.eye(LENGTH))

    def forward(self, token, position, *past):
        """token and position int64 [1,1], past 2 x LAYERS of [1,heads,LENGTH,width/heads]; answers logits [1,tokens],
        attention [LAYERS,heads,LENGTH], then the memory anew."""
        x = self.writer.tokens(token) + self.writer.places(position)
        mask = self.masks[position].view(1, 1, 1, LENGTH)
        here = self.here[position].view(1, 1, LENGTH, 1)
        kept, looks = [], []
        for index, layer in enumerate(self.writer.layers):
            y = layer.before_attention(x)
            keys = past[2 * index] * (1 - here) + layer.heads(layer.key(y)) * here
            values = past[2 * index + 1] * (1 - here) + layer.heads(layer.value(y)) * here
            mixed, weights = layer.attend(layer.heads(layer.query(y)), keys, values, mask)
            x = layer.think(x + layer.out(mixed))
            kept += [keys, values]
            looks.append(weights.view(1, HEADS, LENGTH))
        logits = (self.writer.last(x) @ self.writer.tokens.weight.T).view(1, -1)
        return (logits, torch.cat(looks), *kept)
