#!/usr/bin/env python3
"""Times in PyTorch the two U-Nets that `ito bench unet` times, and prints the same JSON.

    python3 bench/unet_torch.py --preset small --mode train --threads 2 --variant channels-last
    python3 bench/unet_torch.py --check tests/golden/unet/ddpm.safetensors

Needs torch (1.13 or later; 2 or later to compile) and nothing else. The network is that of bench/torch_unet.py; --check
loads a fixture made with diffusers itself and compares the prediction and every gradient, which shows that the network
timed here is the one meant.

forward  eval mode without gradients, as in sampling
train    mixing with noise, forward, mean squared error, backward, clipping by the global norm, AdamW, moving average

PyTorch gets what it has to offer: either memory layout, run eagerly or through torch.compile (--variant; what is compiled
for sampling has its weights frozen, for training all but the optimizer is compiled), scaled_dot_product_attention and the
fused AdamW where the version has them.
"""
import argparse
import json
import math
import os
import re
import resource
import statistics
import sys
import time

sys.dont_write_bytecode = True

import torch
import torch.nn.functional as F
from torch import nn

from torch_unet import HAS_SDPA, UNet, old_name, read_safetensors

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
VARIANTS = ("nchw", "channels-last", "compiled-nchw", "compiled-channels-last")
RATE, EMA_DECAY, CLIP_NORM = 1e-6, 0.999, 1.0


# ---- what is timed ----

def compiled(function, args, freeze):
    """The function, compiled where the variant says so, at its first call."""
    if not args.variant.startswith("compiled"):
        return function
    import torch._inductor.config
    torch._inductor.config.freezing = freeze
    return torch.compile(function, dynamic=False)


def forward_step(model, images, args):
    x = images()
    t = torch.rand(x.shape[0]) * 1000
    run = compiled(model.eval(), args, freeze=True)

    def step():
        with torch.no_grad():
            return run(x, t)
    return step, "none"


def make_optimizer(params):
    """The fused AdamW where this version of torch has one for CPUs."""
    options = dict(lr=RATE, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01)
    try:
        return torch.optim.AdamW(params, fused=True, **options), "AdamW, fused"
    except (TypeError, ValueError, RuntimeError):
        return torch.optim.AdamW(params, **options), "AdamW"


def train_step(model, images, args):
    x0, eps = images(), images()
    t = torch.rand(x0.shape[0]) * 1000
    angle = t[:, None, None, None] * (math.pi / 2000)
    params = list(model.parameters())
    average = [p.detach().clone() for p in params]
    optimizer, name = make_optimizer(params)
    loss_of = compiled(lambda: F.mse_loss(model(x0 * angle.cos() + eps * angle.sin(), t), eps), args, freeze=False)
    n_steps = 0

    def step():
        nonlocal n_steps
        loss = loss_of()
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


def instruction_set():
    cpu = getattr(torch.backends, "cpu", None)
    return cpu.get_cpu_capability() if cpu else "unknown"


class Bench:
    """One network, ready to be timed."""

    def __init__(self, args):
        torch.set_num_threads(args.threads)
        torch.manual_seed(1)
        preset = PRESETS[args.preset]
        c, batch, size = preset["config"], args.batch or preset["batch"], args.size or preset["config"]["sample_size"]
        layout = torch.channels_last if args.variant.endswith("channels-last") else torch.contiguous_format
        model = UNet(c).to(memory_format=layout)
        n_weights = sum(p.numel() for p in model.parameters())
        assert n_weights == preset["n_weights"], f"{n_weights} parameters, expected {preset['n_weights']}"

        def images():
            return torch.randn(batch, c["in_channels"], size, size).contiguous(memory_format=layout)
        self.step, optimizer = (train_step if args.mode == "train" else forward_step)(model, images, args)
        self.made = {"event": "result", "preset": args.preset, "mode": args.mode, "precision": "f32", "batch": batch,
                     "height": size, "width": size, "threads": torch.get_num_threads(), "n_weights": n_weights,
                     "variant": args.variant, "optimizer": optimizer,
                     "attention": "scaled_dot_product_attention" if HAS_SDPA else "product, softmax, product",
                     "torch": torch.__version__, "libraries": math_libraries(), "instruction_set": instruction_set()}

    def turn(self, warmup, repeats):
        ms = []
        for i in range(warmup + repeats):
            start = time.perf_counter()
            self.step()
            if i >= warmup:
                ms.append(1e3 * (time.perf_counter() - start))
        median, unit = statistics.median(ms), 1 if sys.platform == "darwin" else 1024
        return {**self.made, "ms": median, "ms_min": min(ms), "ms_max": max(ms),
                "images_per_s": 1e3 * self.made["batch"] / median,
                "peak_rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit}


def measure(args):
    bench = Bench(args)
    print(json.dumps(bench.turn(args.warmup, args.repeats)), flush=True)
    if args.serve:
        for _ in sys.stdin:
            print(json.dumps(bench.turn(1, args.repeats)), flush=True)
    return 0


# ---- is it the right network? ----

def check(path):
    """Compares with a fixture of tools/make_unet_fixtures.py. Both sides compute in float64, so what is left is the
    float32 rounding of the stored numbers (and of torch's timestep frequencies)."""
    metadata, tensors = read_safetensors(path)
    tensors = {name: tensor.double() for name, tensor in tensors.items()}
    model = UNet(json.loads(metadata["config"])).double()

    def stored(name, prefix=""):
        return tensors[prefix + (name if prefix + name in tensors else old_name(name))]
    model.load_state_dict({name: stored(name) for name in model.state_dict()})
    x, label = tensors["input.sample"].requires_grad_(), tensors.get("input.class_labels")
    y = model(x, tensors["input.timestep"], None if label is None else label.long())
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
    parser.add_argument("--size", type=int, default=0, help="height and width of the images [32]")
    parser.add_argument("--mode", choices=("forward", "train"), default="forward")
    parser.add_argument("--variant", choices=VARIANTS, default="channels-last")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--warmup", type=int, default=2, help="runs before the timed ones [2]")
    parser.add_argument("--repeats", type=int, default=5, help="timed runs; the median counts [5]")
    parser.add_argument("--serve", action="store_true", help="another turn, after one run to warm up, for each line read")
    parser.add_argument("--check", metavar="FILE", help="compare with a fixture of tests/golden/unet instead of timing")
    return parser.parse_args()


def main():
    args = parse_args()
    return check(args.check) if args.check else measure(args)


if __name__ == "__main__":
    sys.exit(main())
