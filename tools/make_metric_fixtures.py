#!/usr/bin/env python3
"""Reference numbers of the metrics on random features, for tests/golden/test_metric_values.c: every metric written out from its paper's
definition in float64, the Frechet distance with 40 digits (its matrix roots lose half of what float64 has).

    python3 tools/make_metric_fixtures.py [FILE]

Needs torch and mpmath (made with torch 2.15, mpmath 1.3). Of each pair of sets NAME, rows rounded to float32 before they are used:
  NAME.x, NAME.y                  float32 [n, d], [m, d]
  NAME.fd, kd, median, energy     float64 [1]
  NAME.mmd, mmd3                  with the median as bandwidth; with the mean of kernels of bandwidths 0.5, 1 and 2
  NAME.pr                         float64 [4]: precision, recall (k = 3), density, coverage (k = 5)
  NAME.w1, w2                     of sets on a line: Wasserstein distances
"""
import json
import struct
import sys

import mpmath
import torch

mpmath.mp.dps = 40


def moments(x):
    """Mean and covariance with divisor n - 1, with 40 digits: rows as lists."""
    n, d = x.shape
    rows = [[mpmath.mpf(v) for v in row] for row in x.tolist()]
    mean = [sum(row[k] for row in rows) / n for k in range(d)]
    s = mpmath.matrix(d, d)
    for i in range(d):
        for k in range(i + 1):
            s[i, k] = s[k, i] = sum((row[i] - mean[i]) * (row[k] - mean[k]) for row in rows) / (n - 1)
    return mpmath.matrix(mean), s


def root(s):
    """The symmetric root of a positive semidefinite matrix."""
    values, vectors = mpmath.eigsy(s)
    d = s.rows
    return vectors * mpmath.diag([mpmath.sqrt(max(values[i], 0)) for i in range(d)]) * vectors.T


def frechet(x, y):
    mean_x, s_x = moments(x)
    mean_y, s_y = moments(y)
    r = root(s_x)
    values = mpmath.eigsy(r * s_y * r, eigvals_only=True)
    d = s_x.rows
    roots = sum(mpmath.sqrt(max(values[i], 0)) for i in range(d))
    away = mean_x - mean_y
    return float(sum(v * v for v in away) + sum(s_x[i, i] + s_y[i, i] for i in range(d)) - 2 * roots)


def discrepancy(k, x, y):
    """The unbiased squared MMD of a kernel of two matrices of rows."""
    n, m = len(x), len(y)
    k_x, k_y, k_xy = k(x, x), k(y, y), k(x, y)
    off = lambda a: (a.sum() - a.diagonal().sum()) / (len(a) * (len(a) - 1))
    return float(off(k_x) + off(k_y) - 2 * k_xy.sum() / (n * m))


def distances(x, y):
    return (x[:, None, :] - y[None, :, :]).pow(2).sum(2).sqrt()


def gaussian(h):
    return lambda a, b: torch.exp(-distances(a, b) ** 2 / (2 * h * h))


def median_distance(x, y):
    both = torch.cat([x, y])
    i, k = torch.tril_indices(len(both), len(both), -1)
    values = distances(both, both)[i, k].sort().values
    return float((values[(len(values) - 1) // 2] + values[len(values) // 2]) / 2)


def wasserstein(x, y, p):
    """W_p of two sets on a line: the integral over u of |quantile_x - quantile_y|^p, piecewise between all k / n and k / m."""
    x, y = sorted(x), sorted(y)
    n, m = len(x), len(y)
    cuts = sorted({i * m for i in range(n + 1)} | {k * n for k in range(m + 1)})  # in units of 1 / (n m)
    total = 0.0
    for a, b in zip(cuts, cuts[1:]):
        total += (b - a) / (n * m) * abs(x[a // m] - y[a // n]) ** p
    return total ** (1 / p)


def radii(x, k):
    """The distance from each row to its k-th nearest other row."""
    return distances(x, x).sort(1).values[:, k]


def neighbours(x, y, k, k_dense):
    between = distances(x, y)
    precision = (between <= radii(y, k)[None, :]).any(1).double().mean()
    recall = (between <= radii(x, k)[:, None]).any(0).double().mean()
    inside = between <= radii(y, k_dense)[None, :]
    return torch.stack([precision, recall, inside.double().sum() / (k_dense * len(x)), inside.any(0).double().mean()])


def sets(g):
    """Pairs of feature sets: ordinary ones, fewer rows than dimensions, singular covariances, sets that are nearly the same."""
    draw = lambda n, d: torch.randn(n, d, generator=g, dtype=torch.float64)
    mix = draw(12, 12)
    flat = draw(40, 3) @ draw(3, 8)
    yield "plain", draw(60, 12), draw(45, 12) @ mix * 0.3 + 0.5
    yield "few_rows", draw(9, 16), 2 * draw(7, 16) - 0.2
    yield "singular", torch.cat([flat[:25], flat[:25, :2]], 1), torch.cat([flat[15:], 3 + 0 * flat[15:, :2]], 1)
    yield "large", 30 + 5 * draw(50, 6), 30 + 5.5 * draw(50, 6)
    yield "line", draw(31, 1), draw(17, 1) * 1.5 + 0.3


def numbers(name, x, y):
    x, y = x.float().double(), y.float().double()  # what the library sees
    d = x.shape[1]
    h = median_distance(x, y)
    out = {"x": x.float(), "y": y.float(), "fd": frechet(x, y),
           "kd": discrepancy(lambda a, b: (a @ b.T / d + 1) ** 3, x, y),
           "median": h, "mmd": discrepancy(gaussian(h), x, y),
           "mmd3": discrepancy(lambda a, b: sum(gaussian(w)(a, b) for w in (0.5, 1.0, 2.0)) / 3, x, y),
           "energy": discrepancy(lambda a, b: -distances(a, b), x, y),
           "pr": neighbours(x, y, 3, 5)}
    if d == 1:
        out["w1"] = wasserstein(x[:, 0].tolist(), y[:, 0].tolist(), 1)
        out["w2"] = wasserstein(x[:, 0].tolist(), y[:, 0].tolist(), 2)
    return {name + "." + key: torch.as_tensor(value) if torch.is_tensor(value) else
            torch.tensor([value], dtype=torch.float64) for key, value in out.items()}


def save(tensors, path):
    """The safetensors format: length of the header, header, data. Names are sorted; float64 before float32."""
    header, data = {}, b""
    for name, t in sorted(tensors.items(), key=lambda item: (item[1].dtype == torch.float32, item[0])):
        kind, letter = ("F32", "f") if t.dtype == torch.float32 else ("F64", "d")
        values = t.flatten().tolist()
        raw = struct.pack("<%d%s" % (len(values), letter), *values)
        header[name] = {"dtype": kind, "shape": list(t.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + data)


def main():
    path = sys.argv[1] if len(sys.argv) > 1 else "tests/golden/metric/metric.safetensors"
    g = torch.Generator().manual_seed(31)
    tensors = {}
    for name, x, y in sets(g):
        tensors.update(numbers(name, x, y))
    save(tensors, path)
    for name, value in tensors.items():
        if value.numel() <= 4:
            print(name, value.tolist())


if __name__ == "__main__":
    main()
