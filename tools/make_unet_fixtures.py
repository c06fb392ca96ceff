#!/usr/bin/env python3
"""Writes tests/golden/unet/NAME.safetensors: small random diffusers UNet2DModels with their outputs and gradients.

Needs torch, diffusers and safetensors from pip (made with torch 2.15, diffusers 0.42); nothing else in the project does.

    python3 tools/make_unet_fixtures.py [FOLDER]

Each file holds one model and one call of it, in diffusers' layouts (images NCHW):
  <state-dict name>        weights, float32
  input.sample             float32 [N, C, H, W]
  input.timestep           float32 [N], or int32 [N] for the learned embedding
  input.class_labels       int32 [N] (table), float32 [N] (timestep) or float32 [N, time width] (identity), where used
  input.cotangent          float32, of the output's shape
  output.sample            the prediction
  grad.<name>              d L / d weight for L = sum(output * cotangent), for every trainable weight
  grad.input.sample        d L / d sample
and in __metadata__ "config", the JSON of config.json as save_pretrained would write it.

Weights and inputs are rounded to float32 before anything is computed in float64, so the results belong to the stored
numbers and their own error is that of the last rounding. Norms and biases are random too: their defaults of one and
zero would hide a weight that is loaded in the wrong place. Timesteps stay moderate where a sine of a large float32
argument would be all that is tested (fourier).
"""
import json
import math
import os
import sys

import torch
from diffusers import UNet2DModel
from safetensors.torch import save_file

# What old files (before diffusers 0.14) call the attention projections; `names="old"` stores them so.
OLD_NAMES = {".to_q.": ".query.", ".to_k.": ".key.", ".to_v.": ".value.", ".to_out.0.": ".proj_attn."}

# name -> (config, batch, height, width, extra). Together they cover every block type and option but Skip/FIR blocks.
CASES = {
    # DownBlock2D / UpBlock2D and nothing else: the smallest U-Net with a skip connection of another width.
    "plain": (
        dict(in_channels=1, out_channels=1, block_out_channels=(6, 10), norm_num_groups=2, layers_per_block=1,
             down_block_types=("DownBlock2D",) * 2, up_block_types=("UpBlock2D",) * 2, sample_size=8),
        2, 8, 8, {}),
    # The options of ports of the original DDPM: sin before cos, freq_shift 1, padding on the right and bottom only,
    # one head, the old attention names. Two layers and a height that is not the width.
    "ddpm": (
        dict(block_out_channels=(6, 6), norm_num_groups=2, layers_per_block=2, flip_sin_to_cos=False, freq_shift=1,
             downsample_padding=0, norm_eps=1e-6, attention_head_dim=None, sample_size=(6, 10),
             down_block_types=("DownBlock2D", "AttnDownBlock2D"), up_block_types=("AttnUpBlock2D", "UpBlock2D")),
        2, 6, 10, {"names": "old"}),
    # A class table (the last row being a null label), three levels, heads of 4 channels.
    "class_table": (
        dict(in_channels=3, out_channels=3, block_out_channels=(4, 4, 8), norm_num_groups=2, layers_per_block=1,
             num_class_embeds=5, attention_head_dim=4,
             down_block_types=("DownBlock2D", "AttnDownBlock2D", "AttnDownBlock2D"),
             up_block_types=("AttnUpBlock2D", "AttnUpBlock2D", "UpBlock2D")),
        3, 8, 12, {}),
    # ADM: BigGAN resampling in both kinds of block, AdaGN, twice the output channels; no group norm in the middle.
    "adm": (
        dict(in_channels=3, out_channels=6, block_out_channels=(4, 4, 8), norm_num_groups=2, layers_per_block=1,
             time_embedding_dim=20, resnet_time_scale_shift="scale_shift", downsample_type="resnet",
             upsample_type="resnet", attention_head_dim=4, num_class_embeds=3,
             down_block_types=("ResnetDownsampleBlock2D", "AttnDownBlock2D", "AttnDownBlock2D"),
             up_block_types=("AttnUpBlock2D", "AttnUpBlock2D", "ResnetUpsampleBlock2D")),
        2, 8, 4, {}),
    # AdaGN with the middle group norm asked for, rescaled middle, 2 x - 1 on the input.
    "adagn_mid": (
        dict(in_channels=2, out_channels=2, block_out_channels=(4, 12), norm_num_groups=2, layers_per_block=1,
             resnet_time_scale_shift="scale_shift", attn_norm_num_groups=3, mid_block_scale_factor=math.sqrt(2),
             center_input_sample=True, attention_head_dim=4, time_embedding_dim=12,
             down_block_types=("AttnDownBlock2D", "DownBlock2D"), up_block_types=("UpBlock2D", "AttnUpBlock2D")),
        2, 4, 6, {}),
    # Fourier features of log sigma; the output is divided by sigma.
    "fourier": (
        dict(in_channels=3, out_channels=3, block_out_channels=(8, 8), norm_num_groups=4, layers_per_block=1,
             time_embedding_type="fourier", act_fn="gelu", norm_eps=1e-3, mid_block_scale_factor=1.5,
             down_block_types=("DownBlock2D", "AttnDownBlock2D"), up_block_types=("AttnUpBlock2D", "UpBlock2D")),
        2, 8, 8, {"timestep": [0.37, 2.25]}),
    # A learned table of timesteps, with the class labels going through it too.
    "learned": (
        dict(in_channels=1, out_channels=2, block_out_channels=(6, 8), norm_num_groups=2, layers_per_block=1,
             time_embedding_type="learned", num_train_timesteps=10, class_embed_type="timestep", act_fn="relu",
             attention_head_dim=2, downsample_type="resnet", upsample_type="conv",
             down_block_types=("AttnDownBlock2D", "DownBlock2D"), up_block_types=("UpBlock2D", "AttnUpBlock2D")),
        2, 4, 4, {"timestep": [9, 0], "class_labels": [4, 7]}),
    # Class labels embedded as timesteps; heads of 8 channels that do not fill the 10 channels of their level.
    "class_timestep": (
        dict(in_channels=3, out_channels=3, block_out_channels=(4, 10), norm_num_groups=2, layers_per_block=1,
             class_embed_type="timestep", act_fn="mish", flip_sin_to_cos=False, freq_shift=0, attention_head_dim=8,
             time_embedding_dim=12, downsample_type="conv", upsample_type="resnet",
             down_block_types=("DownBlock2D", "AttnDownBlock2D"), up_block_types=("AttnUpBlock2D", "UpBlock2D")),
        2, 6, 4, {"class_labels": [3.0, 120.0]}),
    # A ready-made class embedding, no attention in the middle, blocks that differ on the way down and up.
    "class_identity": (
        dict(in_channels=3, out_channels=3, block_out_channels=(8, 8), norm_num_groups=2, layers_per_block=1,
             class_embed_type="identity", add_attention=False, time_embedding_dim=12, freq_shift=1, act_fn="swish",
             down_block_types=("ResnetDownsampleBlock2D", "AttnDownBlock2D"), up_block_types=("UpBlock2D",) * 2),
        2, 4, 8, {}),
    # No middle, one level, an odd image: nothing is resampled, so any size will do. Odd numbers of channels.
    "one_level": (
        dict(in_channels=5, out_channels=7, block_out_channels=(9,), norm_num_groups=3, layers_per_block=2,
             time_embedding_dim=20,
             mid_block_type=None, attention_head_dim=4, down_block_types=("AttnDownBlock2D",),
             up_block_types=("AttnUpBlock2D",)),
        1, 5, 7, {}),
    # Odd channels everywhere (an odd sinusoidal embedding ends in a zero), one-pixel images in the middle.
    "odd": (
        dict(in_channels=3, out_channels=1, block_out_channels=(5, 10), norm_num_groups=1, layers_per_block=1,
             attention_head_dim=5, time_embedding_dim=17, downsample_padding=0, dropout=0.0, num_train_timesteps=1000,
             down_block_types=("DownBlock2D", "AttnDownBlock2D"), up_block_types=("AttnUpBlock2D", "UpBlock2D")),
        3, 2, 2, {}),
    # Two layers of BigGAN blocks with the plain time embedding on the way up.
    "biggan": (
        dict(in_channels=3, out_channels=3, block_out_channels=(6, 6), norm_num_groups=2, layers_per_block=2,
             attention_head_dim=3, down_block_types=("ResnetDownsampleBlock2D",) * 2,
             up_block_types=("ResnetUpsampleBlock2D",) * 2),
        2, 4, 6, {}),
}


def randn(generator, *shape):
    return torch.randn(*shape, generator=generator, dtype=torch.float32).double()


def randomise(model, generator):
    """Random values everywhere, at scales that keep activations near one; exactly representable in float32."""
    for name, p in model.named_parameters():
        noise = randn(generator, *p.shape)
        if name == "time_proj.weight":
            value = noise * (16 if model.config.time_embedding_type == "fourier" else 1)
        elif name == "class_embedding.weight":
            value = noise
        elif p.dim() == 1:
            value = 0.2 * noise + (1 if "norm" in name and name.endswith("weight") else 0)
        else:
            value = noise / math.sqrt(p[0].numel())
        with torch.no_grad():
            p.copy_(value.float().double())


def class_labels(config, batch, extra, generator):
    width = config["time_embedding_dim"] or 4 * config["block_out_channels"][0]
    if config["class_embed_type"] == "identity":
        return randn(generator, batch, width)
    if config["class_embed_type"] == "timestep":
        table = config["time_embedding_type"] == "learned"
        return torch.tensor(extra["class_labels"], dtype=torch.long if table else torch.float64)
    if config["num_class_embeds"] is not None:
        return torch.tensor([config["num_class_embeds"] - 1 - i for i in range(batch)])
    return None


def stored(t):
    return (t.to(torch.int32) if t.dtype == torch.int64 else t.detach().float()).contiguous()


def old_name(name):
    for new, old in OLD_NAMES.items():
        name = name.replace(new, old)
    return name


def make(name, seed, folder):
    options, batch, height, width, extra = CASES[name]
    generator = torch.Generator().manual_seed(seed)
    model = UNet2DModel(**options).double().eval()
    model.time_proj.register_forward_hook(lambda module, args, output: output.double())  # computed in float32 always
    randomise(model, generator)
    config = {"sample_size": None, **model.config}
    x = randn(generator, batch, config["in_channels"], height, width).requires_grad_()
    t = torch.tensor(extra.get("timestep", [13, 999, 250][:batch]))
    if config["time_embedding_type"] == "fourier":
        t = t.float().double()
    labels = class_labels(config, batch, extra, generator)

    y = model(x, t, class_labels=labels).sample
    cotangent = randn(generator, *y.shape)
    (y * cotangent).sum().backward()

    rename = old_name if extra.get("names") == "old" else lambda n: n
    tensors = {rename(n): stored(p) for n, p in model.named_parameters()}
    tensors |= {"grad." + n: stored(p.grad) for n, p in model.named_parameters() if p.requires_grad}
    timestep = t if config["time_embedding_type"] == "learned" else t.double()
    tensors |= {"input.sample": stored(x), "input.timestep": stored(timestep), "input.cotangent": stored(cotangent),
                "output.sample": stored(y), "grad.input.sample": stored(x.grad)}
    if labels is not None:
        tensors["input.class_labels"] = stored(labels)
    path = os.path.join(folder, name + ".safetensors")
    save_file(tensors, path, {"config": model.to_json_string()})
    print(f"{path}: {os.path.getsize(path)} bytes, {sum(p.numel() for p in model.parameters())} parameters, "
          f"output {y.min():.2f} .. {y.max():.2f}")


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.join(here, "..", "tests", "golden", "unet")
    os.makedirs(folder, exist_ok=True)
    for seed, name in enumerate(CASES, start=1):
        make(name, seed, folder)


if __name__ == "__main__":
    main()
