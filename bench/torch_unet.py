"""diffusers' UNet2DModel in plain torch.nn: what bench/unet_torch.py times and bench/sample_torch.py samples with.

It has diffusers' parameter names and order of operations, for the part of its options that the networks of `ito bench unet`
and of ito's recipes use: Down/Up and Attn blocks, silu, the time added as a shift, a table of class embeddings.
`bench/unet_torch.py --check` compares it with fixtures that diffusers made.
"""
import json
import math
import struct

import torch
import torch.nn.functional as F
from torch import nn

DEFAULTS = dict(layers_per_block=2, downsample_padding=1, flip_sin_to_cos=True, freq_shift=0, norm_eps=1e-5,
                norm_num_groups=32, attention_head_dim=8, num_class_embeds=None)
HAS_SDPA = hasattr(F, "scaled_dot_product_attention")


def group_norm(c, channels):
    return nn.GroupNorm(c["norm_num_groups"], channels, eps=c["norm_eps"])


class ResnetBlock2D(nn.Module):
    def __init__(self, c, in_channels, out_channels):
        super().__init__()
        self.norm1 = group_norm(c, in_channels)
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.time_emb_proj = nn.Linear(4 * c["block_out_channels"][0], out_channels)
        self.norm2 = group_norm(c, out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1)
        if in_channels != out_channels:
            self.conv_shortcut = nn.Conv2d(in_channels, out_channels, 1)

    def forward(self, x, temb):
        h = self.conv1(F.silu(self.norm1(x)))
        h = h + self.time_emb_proj(F.silu(temb))[:, :, None, None]
        h = self.conv2(F.silu(self.norm2(h)))
        return (self.conv_shortcut(x) if hasattr(self, "conv_shortcut") else x) + h


class Attention(nn.Module):
    """Over all pixels, with a residual."""

    def __init__(self, c, channels):
        super().__init__()
        self.n_heads = channels // (c["attention_head_dim"] or channels)
        self.group_norm = group_norm(c, channels)
        self.to_q, self.to_k, self.to_v = (nn.Linear(channels, channels) for _ in range(3))
        self.to_out = nn.ModuleList([nn.Linear(channels, channels)])

    def heads(self, y):
        """[N, pixels, channels] as [N, heads, pixels, channels of a head]."""
        return y.unflatten(2, (self.n_heads, -1)).transpose(1, 2)

    def forward(self, x):
        h = self.group_norm(x).flatten(2).transpose(1, 2)
        q, k, v = self.heads(self.to_q(h)), self.heads(self.to_k(h)), self.heads(self.to_v(h))
        if HAS_SDPA:
            h = F.scaled_dot_product_attention(q, k, v)
        else:
            h = (q * q.shape[-1] ** -0.5 @ k.transpose(-2, -1)).softmax(-1) @ v
        return self.to_out[0](h.transpose(1, 2).flatten(2)).transpose(1, 2).reshape(x.shape) + x


class Downsample2D(nn.Module):
    def __init__(self, c, channels):
        super().__init__()
        self.padding = c["downsample_padding"]
        self.conv = nn.Conv2d(channels, channels, 3, stride=2, padding=self.padding)

    def forward(self, x):
        return self.conv(x if self.padding else F.pad(x, (0, 1, 0, 1)))


class Upsample2D(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x):
        return self.conv(F.interpolate(x, scale_factor=2.0, mode="nearest"))


class Level(nn.Module):
    """One resolution: residual blocks, each followed by attention where the block's type says so, then a resampler.
    The middle is a level with attention between its two residual blocks."""

    def __init__(self, c, widths, channels, n_attentions=0):
        super().__init__()
        self.resnets = nn.ModuleList([ResnetBlock2D(c, width, channels) for width in widths])
        if n_attentions:
            self.attentions = nn.ModuleList([Attention(c, channels) for _ in range(n_attentions)])

    def layer(self, j, x, temb):
        x = self.resnets[j](x, temb)
        return self.attentions[j](x) if hasattr(self, "attentions") and j < len(self.attentions) else x


class TimestepEmbedding(nn.Module):
    def __init__(self, c):
        super().__init__()
        width = c["block_out_channels"][0]
        half = width // 2
        self.flip = c["flip_sin_to_cos"]
        rates = torch.exp(torch.arange(half) * (-math.log(10000) / (half - c["freq_shift"])))
        self.register_buffer("rates", rates, persistent=False)
        self.linear_1 = nn.Linear(width, 4 * width)
        self.linear_2 = nn.Linear(4 * width, 4 * width)

    def forward(self, t):
        angles = t[:, None] * self.rates
        both = [angles.cos(), angles.sin()] if self.flip else [angles.sin(), angles.cos()]
        return self.linear_2(F.silu(self.linear_1(torch.cat(both, 1))))


def check_config(c):
    """Complains about options that the network below does not have."""
    known = {"down_block_types": {"DownBlock2D", "AttnDownBlock2D"}, "up_block_types": {"UpBlock2D", "AttnUpBlock2D"}}
    for key, names in known.items():
        if not set(c[key]) <= names:
            raise SystemExit(f"torch_unet: {key} is {c[key]}, expected a list of {', '.join(sorted(names))}")
    expected = {"time_embedding_type": "positional", "act_fn": "silu", "resnet_time_scale_shift": "default",
                "class_embed_type": None, "center_input_sample": False, "mid_block_scale_factor": 1,
                "add_attention": True, "time_embedding_dim": None, "dropout": 0, "downsample_type": "conv",
                "upsample_type": "conv", "attn_norm_num_groups": None}
    for key, value in expected.items():
        if c.get(key, value) != value:
            raise SystemExit(f"torch_unet: {key} is {c[key]}, expected {value}")


class UNet(nn.Module):
    def __init__(self, config):
        super().__init__()
        c = {**DEFAULTS, **config}
        check_config(c)
        channels, n = c["block_out_channels"], c["layers_per_block"]
        last, width = len(channels) - 1, channels[0]
        skips = [width]
        self.conv_in = nn.Conv2d(c["in_channels"], width, 3, padding=1)
        self.time_embedding = TimestepEmbedding(c)
        if c["num_class_embeds"]:
            self.class_embedding = nn.Embedding(c["num_class_embeds"], 4 * width)
        self.down_blocks, self.up_blocks = nn.ModuleList(), nn.ModuleList()
        for i, (kind, out) in enumerate(zip(c["down_block_types"], channels)):
            level = Level(c, [width] + [out] * (n - 1), out, n if "Attn" in kind else 0)
            if i < last:
                level.downsamplers = nn.ModuleList([Downsample2D(c, out)])
            self.down_blocks.append(level)
            skips += [out] * (n + (i < last))
            width = out
        self.mid_block = Level(c, [width] * 2, width, 1)
        for i, (kind, out) in enumerate(zip(c["up_block_types"], reversed(channels))):
            widths = [hidden + skips.pop() for hidden in [width] + [out] * n]
            level = Level(c, widths, out, n + 1 if "Attn" in kind else 0)
            if i < last:
                level.upsamplers = nn.ModuleList([Upsample2D(out)])
            self.up_blocks.append(level)
            width = out
        self.conv_norm_out = group_norm(c, width)
        self.conv_out = nn.Conv2d(width, c["out_channels"], 3, padding=1)

    def forward(self, x, t, label=None):
        temb = self.time_embedding(t)
        if label is not None:
            temb = temb + self.class_embedding(label)
        x = self.conv_in(x)
        skips = [x]
        for level in self.down_blocks:
            for j in range(len(level.resnets)):
                x = level.layer(j, x, temb)
                skips.append(x)
            if hasattr(level, "downsamplers"):
                x = level.downsamplers[0](x)
                skips.append(x)
        for j in range(2):
            x = self.mid_block.layer(j, x, temb)
        for level in self.up_blocks:
            for j in range(len(level.resnets)):
                x = level.layer(j, torch.cat([x, skips.pop()], 1), temb)
            if hasattr(level, "upsamplers"):
                x = level.upsamplers[0](x)
        return self.conv_out(F.silu(self.conv_norm_out(x)))


# ---- files ----

OLD_NAMES = {".to_q.": ".query.", ".to_k.": ".key.", ".to_v.": ".value.", ".to_out.0.": ".proj_attn."}


def old_name(name):
    """What files of early 2023 and before call a parameter of attention."""
    for new, old in OLD_NAMES.items():
        name = name.replace(new, old)
    return name


def read_safetensors(path):
    """Metadata, and tensors by name."""
    with open(path, "rb") as file:
        size, = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(size))
        data = bytearray(file.read())
    metadata, dtypes = header.pop("__metadata__", {}), {"F32": torch.float32, "I32": torch.int32}
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        dtype = dtypes[entry["dtype"]]
        flat = torch.frombuffer(data, dtype=dtype, count=(end - begin) // 4, offset=begin) if end > begin else []
        tensors[name] = torch.as_tensor(flat, dtype=dtype).reshape(entry["shape"])
    return metadata, tensors
