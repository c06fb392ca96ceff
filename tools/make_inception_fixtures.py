#!/usr/bin/env python3
"""Writes tests/golden/inception/inception.safetensors: what Inception-v3, in the variant that FID is defined with, makes of two small
images with weights that both sides draw by one formula. The network is written out here from its description (Szegedy et al. 2016,
section 6, and the differences of the graph of 2015: averages leave padding out, the last block's pool is a maximum, 1008 classes).

    python3 tools/make_inception_fixtures.py [FILE]

Needs torch (made with torch 2.15).
  images    float32 [2, 20, 30, 3] in -1..1
  scaled    float32 [2, 7, 11, 3]: images by interpolate(mode="bilinear", align_corners=False)
  features  float32 [2, 2048], logits float32 [2, 1008]: of the images scaled to 299 x 299
"""
import json
import struct
import sys

import torch
import torch.nn.functional as F
from torch import nn

MASK = 0xFFFFFFFF


class Conv(nn.Module):
    """A convolution without bias, batch norm, relu."""

    def __init__(self, n_in, n_out, kernel, stride=1, pad=0):
        super().__init__()
        self.conv = nn.Conv2d(n_in, n_out, kernel, stride, pad, bias=False)
        self.bn = nn.BatchNorm2d(n_out, eps=0.001)

    def forward(self, x):
        return F.relu(self.bn(self.conv(x)))


def average(x):
    return F.avg_pool2d(x, 3, 1, 1, count_include_pad=False)


def wide(n_in, n_out, k):
    return Conv(n_in, n_out, (1, k), pad=(0, k // 2))


def tall(n_in, n_out, k):
    return Conv(n_in, n_out, (k, 1), pad=(k // 2, 0))


class A(nn.Module):
    def __init__(self, n, pool):
        super().__init__()
        self.branch1x1 = Conv(n, 64, 1)
        self.branch5x5_1, self.branch5x5_2 = Conv(n, 48, 1), Conv(48, 64, 5, pad=2)
        self.branch3x3dbl_1, self.branch3x3dbl_2 = Conv(n, 64, 1), Conv(64, 96, 3, pad=1)
        self.branch3x3dbl_3 = Conv(96, 96, 3, pad=1)
        self.branch_pool = Conv(n, pool, 1)

    def forward(self, x):
        return torch.cat([self.branch1x1(x), self.branch5x5_2(self.branch5x5_1(x)),
                          self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x))),
                          self.branch_pool(average(x))], 1)


class B(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.branch3x3 = Conv(n, 384, 3, 2)
        self.branch3x3dbl_1, self.branch3x3dbl_2 = Conv(n, 64, 1), Conv(64, 96, 3, pad=1)
        self.branch3x3dbl_3 = Conv(96, 96, 3, 2)

    def forward(self, x):
        return torch.cat([self.branch3x3(x), self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x))),
                          F.max_pool2d(x, 3, 2)], 1)


class C(nn.Module):
    def __init__(self, n, k):
        super().__init__()
        self.branch1x1 = Conv(n, 192, 1)
        self.branch7x7_1, self.branch7x7_2, self.branch7x7_3 = Conv(n, k, 1), wide(k, k, 7), tall(k, 192, 7)
        self.branch7x7dbl_1, self.branch7x7dbl_2, self.branch7x7dbl_3 = Conv(n, k, 1), tall(k, k, 7), wide(k, k, 7)
        self.branch7x7dbl_4, self.branch7x7dbl_5 = tall(k, k, 7), wide(k, 192, 7)
        self.branch_pool = Conv(n, 192, 1)

    def forward(self, x):
        twice = self.branch7x7dbl_3(self.branch7x7dbl_2(self.branch7x7dbl_1(x)))
        return torch.cat([self.branch1x1(x), self.branch7x7_3(self.branch7x7_2(self.branch7x7_1(x))),
                          self.branch7x7dbl_5(self.branch7x7dbl_4(twice)), self.branch_pool(average(x))], 1)


class D(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.branch3x3_1, self.branch3x3_2 = Conv(n, 192, 1), Conv(192, 320, 3, 2)
        self.branch7x7x3_1, self.branch7x7x3_2, self.branch7x7x3_3 = Conv(n, 192, 1), wide(192, 192, 7), tall(192, 192, 7)
        self.branch7x7x3_4 = Conv(192, 192, 3, 2)

    def forward(self, x):
        return torch.cat([self.branch3x3_2(self.branch3x3_1(x)),
                          self.branch7x7x3_4(self.branch7x7x3_3(self.branch7x7x3_2(self.branch7x7x3_1(x)))),
                          F.max_pool2d(x, 3, 2)], 1)


class E(nn.Module):
    def __init__(self, n, is_last):
        super().__init__()
        self.is_last = is_last
        self.branch1x1, self.branch3x3_1 = Conv(n, 320, 1), Conv(n, 384, 1)
        self.branch3x3_2a, self.branch3x3_2b = wide(384, 384, 3), tall(384, 384, 3)
        self.branch3x3dbl_1, self.branch3x3dbl_2 = Conv(n, 448, 1), Conv(448, 384, 3, pad=1)
        self.branch3x3dbl_3a, self.branch3x3dbl_3b = wide(384, 384, 3), tall(384, 384, 3)
        self.branch_pool = Conv(n, 192, 1)

    def forward(self, x):
        b3, twice = self.branch3x3_1(x), self.branch3x3dbl_2(self.branch3x3dbl_1(x))
        pool = F.max_pool2d(x, 3, 1, 1) if self.is_last else average(x)
        return torch.cat([self.branch1x1(x), self.branch3x3_2a(b3), self.branch3x3_2b(b3), self.branch3x3dbl_3a(twice),
                          self.branch3x3dbl_3b(twice), self.branch_pool(pool)], 1)


class Inception(nn.Module):
    def __init__(self):
        super().__init__()
        self.Conv2d_1a_3x3, self.Conv2d_2a_3x3 = Conv(3, 32, 3, 2), Conv(32, 32, 3)
        self.Conv2d_2b_3x3 = Conv(32, 64, 3, pad=1)
        self.Conv2d_3b_1x1, self.Conv2d_4a_3x3 = Conv(64, 80, 1), Conv(80, 192, 3)
        self.Mixed_5b, self.Mixed_5c, self.Mixed_5d = A(192, 32), A(256, 64), A(288, 64)
        self.Mixed_6a = B(288)
        self.Mixed_6b, self.Mixed_6c, self.Mixed_6d, self.Mixed_6e = C(768, 128), C(768, 160), C(768, 160), C(768, 192)
        self.Mixed_7a, self.Mixed_7b, self.Mixed_7c = D(768), E(1280, False), E(2048, True)
        self.fc = nn.Linear(2048, 1008, bias=False)  # the bias is left out, as where the Inception score was defined

    def forward(self, x):
        x = self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(x)))
        x = self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(F.max_pool2d(x, 3, 2)))
        x = F.max_pool2d(x, 3, 2)
        for name in ("5b", "5c", "5d", "6a", "6b", "6c", "6d", "6e", "7a", "7b", "7c"):
            x = getattr(self, "Mixed_" + name)(x)
        x = x.mean((2, 3))
        return x, self.fc(x)


def uniform(name, n):
    """n numbers in -1..1, the same as tests/golden/test_inception.c draws: a hash of the name and the index."""
    seed = 2166136261
    for byte in name.encode():
        seed = (seed ^ byte) * 16777619 & MASK
    h = (torch.arange(n, dtype=torch.int64) * 2654435761 + seed) & MASK
    h = ((h ^ (h >> 15)) * 2246822519) & MASK
    h = ((h ^ (h >> 13)) * 3266489917) & MASK
    h = h ^ (h >> 16)
    return (h >> 8).double() / 2 ** 23 - 1


def draw(model):
    for name, p in list(model.named_parameters()) + list(model.named_buffers()):
        if name.endswith("num_batches_tracked"):
            continue
        u = uniform(name, p.numel()).reshape(p.shape)
        if name.endswith("bn.weight"):
            u = 1 + 0.2 * u
        elif name.endswith("running_var"):
            u = 1 + 0.5 * u
        elif p.dim() > 1:
            u = u * (6 / p[0].numel()) ** 0.5
        else:
            u = 0.2 * u
        p.data.copy_(u)


def save(tensors, path):
    """The safetensors format: length of the header, header, data."""
    header, data = {}, b""
    for name, t in sorted(tensors.items()):
        values = t.float().flatten().tolist()
        raw = struct.pack("<%df" % len(values), *values)
        header[name] = {"dtype": "F32", "shape": list(t.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + data)


def main():
    path = sys.argv[1] if len(sys.argv) > 1 else "tests/golden/inception/inception.safetensors"
    model = Inception().double().eval()
    draw(model)
    for p in model.parameters():
        p.data.copy_(p.data.float().double())  # what ito reads
    for p in model.buffers():
        if p.is_floating_point():
            p.data.copy_(p.data.float().double())
    images = uniform("images", 2 * 20 * 30 * 3).reshape(2, 20, 30, 3).float().double()
    planes = images.permute(0, 3, 1, 2)
    scale = lambda h, w: F.interpolate(planes, size=(h, w), mode="bilinear", align_corners=False)
    with torch.no_grad():
        features, logits = model(scale(299, 299))
    print(features.abs().mean(), features.std(), logits.abs().mean())
    save({"images": images, "scaled": scale(7, 11).permute(0, 2, 3, 1).contiguous(), "features": features,
          "logits": logits}, path)


if __name__ == "__main__":
    main()
