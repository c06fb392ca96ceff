#!/usr/bin/env python3
"""Times in PyTorch the two U-Nets that `ito bench unet` times, and prints the same JSON.

    python3 bench/unet_torch.py --preset small --mode train --threads 2 --layout channels_last
    python3 bench/unet_torch.py --check tests/golden/unet/ddpm.safetensors

Needs torch (1.13 or later) and nothing else. The network is diffusers' UNet2DModel in plain torch.nn, with diffusers'
parameter names and order of operations, for the part of its options that the two U-Nets use: Down/Up and Attn blocks,
one attention head, silu, the time added as a shift. --check loads a fixture made with diffusers itself and compares the
prediction and every gradient, which shows that the network timed here is the one meant.

forward  eval mode without gradients, as in sampling
train    mixing with noise, forward, mean squared error, backward, clipping by the global norm, AdamW, moving average

PyTorch runs eagerly, as training scripts do, and gets what it has to offer there: either memory layout (--layout),
scaled_dot_product_attention and the fused AdamW where the version has them.
"""
import argparse
import json
import math
import os
import re
import statistics
import struct
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn

# The configurations, batches and numbers of parameters of src/bench/bench_unet.c; what is missing is diffusers' default.
PRESETS = {
    "ddpm-cifar10": dict(
        config=dict(in_channels=3, out_channels=3, sample_size=32, block_out_channels=(128, 256, 256, 256),
                    down_block_types=("DownBlock2D", "AttnDownBlock2D", "DownBlock2D", "DownBlock2D"),
                    up_block_types=("UpBlock2D", "UpBlock2D", "AttnUpBlock2D", "UpBlock2D"), attention_head_dim=None,
                    downsample_padding=0, flip_sin_to_cos=False, freq_shift=1, norm_eps=1e-6),
        batch=16, n_weights=35_746_307),
    "small": dict(
        config=dict(in_channels=1, out_channels=1, sample_size=32, block_out_channels=(32, 64, 64),
                    down_block_types=("DownBlock2D", "DownBlock2D", "AttnDownBlock2D"),
                    up_block_types=("AttnUpBlock2D", "UpBlock2D", "UpBlock2D"), attention_head_dim=None,
                    norm_num_groups=8),
        batch=64, n_weights=1_623_169),
}
DEFAULTS = dict(layers_per_block=2, downsample_padding=1, flip_sin_to_cos=True, freq_shift=0, norm_eps=1e-5,
                norm_num_groups=32)
RATE, EMA_DECAY, CLIP_NORM = 1e-6, 0.999, 1.0
HAS_SDPA = hasattr(F, "scaled_dot_product_attention")


# ---- the network ----

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
    """One head over all pixels, with a residual."""

    def __init__(self, c, channels):
        super().__init__()
        self.group_norm = group_norm(c, channels)
        self.to_q, self.to_k, self.to_v = (nn.Linear(channels, channels) for _ in range(3))
        self.to_out = nn.ModuleList([nn.Linear(channels, channels)])

    def forward(self, x):
        h = self.group_norm(x).flatten(2).transpose(1, 2)
        q, k, v = self.to_q(h), self.to_k(h), self.to_v(h)
        if HAS_SDPA:
            h = F.scaled_dot_product_attention(q[:, None], k[:, None], v[:, None])[:, 0]
        else:
            scores = torch.baddbmm(q.new_empty(q.shape[0], q.shape[1], k.shape[1]), q, k.transpose(1, 2), beta=0,
                                   alpha=q.shape[-1] ** -0.5)
            h = torch.bmm(scores.softmax(-1), v)
        return self.to_out[0](h).transpose(1, 2).reshape(x.shape) + x


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
    """Complains about options that the network above does not have."""
    known = {"down_block_types": {"DownBlock2D", "AttnDownBlock2D"}, "up_block_types": {"UpBlock2D", "AttnUpBlock2D"}}
    for key, names in known.items():
        if not set(c[key]) <= names:
            raise SystemExit(f"unet_torch: {key} is {c[key]}, expected a list of {', '.join(sorted(names))}")
    expected = {"attention_head_dim": None, "time_embedding_type": "positional", "act_fn": "silu",
                "resnet_time_scale_shift": "default", "class_embed_type": None, "num_class_embeds": None,
                "mid_block_scale_factor": 1, "add_attention": True, "time_embedding_dim": None, "dropout": 0}
    for key, value in expected.items():
        if c.get(key, value) != value:
            raise SystemExit(f"unet_torch: {key} is {c[key]}, expected {value}")


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

    def forward(self, x, t):
        temb = self.time_embedding(t)
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


# ---- what is timed ----

def forward_step(model, images, layout):
    x = images().contiguous(memory_format=layout)
    t = torch.rand(x.shape[0]) * 1000
    model.eval()

    def step():
        with torch.no_grad():
            return model(x, t)
    return step, "none"


def make_optimizer(params):
    """The fused AdamW where this version of torch has one for CPUs."""
    options = dict(lr=RATE, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01)
    try:
        return torch.optim.AdamW(params, fused=True, **options), "AdamW, fused"
    except (TypeError, ValueError, RuntimeError):
        return torch.optim.AdamW(params, **options), "AdamW"


def train_step(model, images, layout):
    x0, eps = (images().contiguous(memory_format=layout) for _ in range(2))
    t = torch.rand(x0.shape[0]) * 1000
    angle = t[:, None, None, None] * (math.pi / 2000)
    params = list(model.parameters())
    average = [p.detach().clone() for p in params]
    optimizer, name = make_optimizer(params)
    n_steps = 0

    def step():
        nonlocal n_steps
        loss = F.mse_loss(model(x0 * angle.cos() + eps * angle.sin(), t), eps)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(params, CLIP_NORM)
        optimizer.step()
        n_steps += 1
        decay = min(EMA_DECAY, (1 + n_steps) / (10 + n_steps))
        with torch.no_grad():
            for e, p in zip(average, params):
                e.lerp_(p, 1 - decay)
    return step, name


def math_libraries():
    """The libraries with matrix products that this process has loaded: the folder tells Debian's alternatives apart."""
    found = set()
    if os.path.exists("/proc/self/maps"):
        with open("/proc/self/maps", encoding="utf-8") as maps:
            paths = re.findall(r"/\S*/lib(?:blas|openblas|blis|f77blas|mkl|dnnl)[^/\s]*\.so\S*", maps.read())
        found = {"/".join(path.split("/")[-2:]) for path in paths}
    if "Math Kernel Library" in torch.__config__.show():
        found.add("MKL")
    return sorted(found)


def measure(args):
    torch.set_num_threads(args.threads)
    torch.manual_seed(1)
    preset = PRESETS[args.preset]
    c, batch = preset["config"], args.batch or preset["batch"]
    layout = torch.channels_last if args.layout == "channels_last" else torch.contiguous_format
    model = UNet(c).to(memory_format=layout)
    n_weights = sum(p.numel() for p in model.parameters())
    assert n_weights == preset["n_weights"], f"{n_weights} parameters, expected {preset['n_weights']}"

    def images():
        return torch.randn(batch, c["in_channels"], c["sample_size"], c["sample_size"])
    step, optimizer = (train_step if args.mode == "train" else forward_step)(model, images, layout)
    ms = []
    for i in range(args.warmup + args.repeats):
        start = time.perf_counter()
        step()
        if i >= args.warmup:
            ms.append(1e3 * (time.perf_counter() - start))
    median = statistics.median(ms)
    return {"event": "result", "preset": args.preset, "mode": args.mode, "precision": "f32", "batch": batch,
            "threads": torch.get_num_threads(), "ms": median, "ms_min": min(ms), "ms_max": max(ms),
            "images_per_s": 1e3 * batch / median, "n_weights": n_weights, "layout": args.layout,
            "optimizer": optimizer, "attention": "scaled_dot_product_attention" if HAS_SDPA else "bmm, softmax, bmm",
            "torch": torch.__version__, "libraries": math_libraries()}


# ---- is it the right network? ----

def read_safetensors(path):
    with open(path, "rb") as file:
        data = file.read()
    size, = struct.unpack("<Q", data[:8])
    header = json.loads(data[8:8 + size])
    metadata, dtypes = header.pop("__metadata__"), {"F32": torch.float32, "I32": torch.int32}
    tensors = {}
    for name, entry in header.items():
        begin, end = (8 + size + offset for offset in entry["data_offsets"])
        flat = torch.frombuffer(bytearray(data[begin:end]), dtype=dtypes[entry["dtype"]])
        tensors[name] = flat.reshape(entry["shape"]).double()
    return metadata, tensors


def check(path):
    """Compares with a fixture of tools/make_unet_fixtures.py. Both sides compute in float64, so what is left is the
    float32 rounding of the stored numbers (and of torch's timestep frequencies)."""
    metadata, tensors = read_safetensors(path)
    model = UNet(json.loads(metadata["config"])).double()
    old_names = {".to_q.": ".query.", ".to_k.": ".key.", ".to_v.": ".value.", ".to_out.0.": ".proj_attn."}

    def stored(name, prefix=""):
        old = name
        for new, before in old_names.items():
            old = old.replace(new, before)
        return tensors[prefix + (name if prefix + name in tensors else old)]
    model.load_state_dict({name: stored(name) for name in model.state_dict()})
    x = tensors["input.sample"].requires_grad_()
    y = model(x, tensors["input.timestep"])
    (y * tensors["input.cotangent"]).sum().backward()
    pairs = {"output.sample": (y, tensors["output.sample"]), "grad.input.sample": (x.grad, tensors["grad.input.sample"])}
    pairs.update({name: (p.grad, stored(name, "grad.")) for name, p in model.named_parameters()})
    worst, name = max((((got - want).abs().max() / want.abs().max().clamp(min=1e-6)).item(), name)
                      for name, (got, want) in pairs.items())
    print(f"{path}: {len(pairs)} tensors, largest relative difference {worst:.1e} ({name})")
    return 0 if worst < 1e-5 else 1


def parse_args():
    parser = argparse.ArgumentParser(description="Time ito's two reference U-Nets in PyTorch.")
    parser.add_argument("--preset", choices=PRESETS, default="small")
    parser.add_argument("--batch", type=int, default=0, help="images at a time [64 for small, 16 for ddpm-cifar10]")
    parser.add_argument("--mode", choices=("forward", "train"), default="forward")
    parser.add_argument("--layout", choices=("nchw", "channels_last"), default="channels_last")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--warmup", type=int, default=2, help="runs before the timed ones [2]")
    parser.add_argument("--repeats", type=int, default=5, help="timed runs; the median counts [5]")
    parser.add_argument("--check", metavar="FILE", help="compare with a fixture of tests/golden/unet instead of timing")
    return parser.parse_args()


def main():
    args = parse_args()
    if args.check:
        return check(args.check)
    print(json.dumps(measure(args)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
