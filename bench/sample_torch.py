#!/usr/bin/env python3
"""Samples from an ito model directory in PyTorch: what `ito sample` does with DDIM, as a short script would do it.

    python3 bench/sample_torch.py out/mnist -n 64 --steps 50 --guidance 2 --out torch.png

Needs torch and nothing else. Both halves of classifier-free guidance are one batch, x_0 is clipped to -1..1, timesteps
are spaced "trailing", labels take turns, and the images become one grid. The PNG is written with zlib alone, so that no
image library has to be imported. Only what bench/compare samples with is there: variance-preserving schedules in
discrete time, eps, x0 or v prediction.
"""
import argparse
import json
import math
import os
import struct
import sys
import zlib

sys.dont_write_bytecode = True

import torch

from torch_unet import UNet, old_name, read_safetensors


def read_json(*path):
    with open(os.path.join(*path), encoding="utf-8") as file:
        return json.load(file)


def load_network(folder, layout):
    model = UNet(read_json(folder, "config.json"))
    _, tensors = read_safetensors(os.path.join(folder, "diffusion_pytorch_model.safetensors"))
    model.load_state_dict({name: tensors[name if name in tensors else old_name(name)] for name in model.state_dict()})
    return model.eval().to(memory_format=layout)


# ---- the process: alpha_bar_0 .. alpha_bar_T ----

def alpha_bars(c):
    T = c["num_train_timesteps"]
    if c["beta_schedule"] == "linear":
        betas = torch.linspace(c["beta_start"], c["beta_end"], T, dtype=torch.float64)
    elif c["beta_schedule"] == "squaredcos_cap_v2":
        angle = (torch.arange(T + 1, dtype=torch.float64) / T + 0.008) / 1.008 * math.pi / 2
        bars = angle.cos() ** 2
        betas = (1 - bars[1:] / bars[:-1]).clamp(max=0.999)
    else:
        raise SystemExit(f"sample_torch: beta_schedule is {c['beta_schedule']}, expected linear or squaredcos_cap_v2")
    return [1.0] + (1 - betas).cumprod(0).tolist()


def predicted(kind, x, out, signal, sigma):
    """x_0 and eps."""
    if kind == "v_prediction":
        return signal * x - sigma * out, sigma * x + signal * out
    if kind == "sample":
        return out, (x - signal * out) / sigma
    return (x - sigma * out) / signal, out


@torch.inference_mode()
def sample(model, scheduler, x, labels, null_label, steps, guidance):
    """DDIM with eta = 0."""
    bars, T, kind = alpha_bars(scheduler), scheduler["num_train_timesteps"], scheduler["prediction_type"]
    times = [round(T - i * T / steps) for i in range(steps)] + [0]
    both = None if labels is None else torch.cat([labels, torch.full_like(labels, null_label)])
    for t, s in zip(times, times[1:]):
        if both is None:
            out = model(x, torch.full((len(x),), float(t - 1)))
        else:
            given, none = model(torch.cat([x, x]), torch.full((2 * len(x),), float(t - 1)), both).chunk(2)
            out = none + guidance * (given - none)
        x0, _ = predicted(kind, x, out, bars[t] ** 0.5, (1 - bars[t]) ** 0.5)
        x0 = x0.clamp(-1, 1)
        eps = (x - bars[t] ** 0.5 * x0) / (1 - bars[t]) ** 0.5
        x = bars[s] ** 0.5 * x0 + (1 - bars[s]) ** 0.5 * eps
    return x


# ---- the picture ----

def grid(images, columns):
    """[n, C, H, W] in -1..1 as bytes [rows H, columns W, C]."""
    n, c, h, w = images.shape
    rows = -(-n // columns)
    padded = torch.full((rows * columns, c, h, w), -1.0)
    padded[:n] = images
    pixels = (padded * 127.5 + 127.5).round().clamp(0, 255).to(torch.uint8)
    return pixels.reshape(rows, columns, c, h, w).permute(0, 3, 1, 4, 2).reshape(rows * h, columns * w, c)


def write_png(path, pixels):
    height, width, channels = pixels.shape

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    lines = torch.cat([torch.zeros(height, 1, dtype=torch.uint8), pixels.reshape(height, -1)], 1)
    header = struct.pack(">IIBBBBB", width, height, 8, 0 if channels == 1 else 2, 0, 0, 0)
    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) +
                   chunk(b"IDAT", zlib.compress(bytes(lines.flatten().tolist()))) + chunk(b"IEND", b""))


def parse_args():
    parser = argparse.ArgumentParser(description="Sample from an ito model directory in PyTorch.")
    parser.add_argument("model", help="the model directory")
    parser.add_argument("-n", type=int, default=64, help="images [64]")
    parser.add_argument("--steps", type=int, default=50, help="of DDIM [50]")
    parser.add_argument("--guidance", type=float, default=2, help="scale of classifier-free guidance [2]")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--variant", choices=("nchw", "channels-last"), default="channels-last")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--out", default="torch.png", metavar="FILE")
    return parser.parse_args()


def main():
    args = parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    layout = torch.channels_last if args.variant == "channels-last" else torch.contiguous_format
    model = load_network(os.path.join(args.model, "unet"), layout)
    c = read_json(args.model, "unet", "config.json")
    scheduler = read_json(args.model, "scheduler", "scheduler_config.json")
    classes = (c.get("num_class_embeds") or 1) - 1
    x = torch.randn(args.n, c["in_channels"], c["sample_size"], c["sample_size"]).contiguous(memory_format=layout)
    labels = torch.arange(args.n) % classes if classes else None
    images = sample(model, scheduler, x, labels, classes, args.steps, args.guidance)
    write_png(args.out, grid(images, classes if 0 < classes <= 16 else math.ceil(args.n ** 0.5)))


if __name__ == "__main__":
    main()
