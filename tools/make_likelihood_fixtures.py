#!/usr/bin/env python3
"""Writes tests/golden/likelihood/likelihood.safetensors: likelihoods of 8-bit data computed from the papers' definitions.

Needs torch (made with torch 2.15); nothing else in the project does.

    python3 tools/make_likelihood_fixtures.py [FILE]

Everything is computed in float64 from inputs that are stored; what ito reads as float32 is rounded before it is used.
Equations are those of DDPM (arXiv 2006.11239) and improved DDPM (arXiv 2102.09672).

Gaussians, float64 [N]:
  kl.mean_a, kl.log_variance_a, kl.mean_b, kl.log_variance_b -> kl
  bin.x (on the grid), bin.mean, bin.log_variance -> bin.tanh, bin.exact: log mass of the bin of x, at least log 1e-12

The bound of a chain of T steps, alpha_bar given, whose network says x0_hat whatever it sees:
  chain.alpha_bar    float64 [T]
  chain.x            float32 [B, H, W, C], on the grid
  chain.x0_hat       float32 [T, B, H, W, C], of t = 1 .. T; some lie outside -1..1 and are clipped
  chain.o            float32 [T, B, H, W, C], the learned variance's share of log beta, (o + 1) / 2
  chain.prior        float64 [B], bits per dimension
  chain.terms.NAME   float64 [T, B], L_0, L_1, .. L_{T-1}; NAME small, large, range
  chain.mse          float64 [T, B], mean (x - x0_hat)^2 after clipping
"""
import json
import math
import struct
import sys

import torch

LEAST = 1e-12


def cdf_tanh(z):
    return 0.5 * (1 + torch.tanh(math.sqrt(2 / math.pi) * (z + 0.044715 * z ** 3)))


def cdf_exact(z):
    return torch.special.ndtr(z)


def log_bin(x, mean, log_variance, cdf):
    """DDPM, equation 13."""
    sd = torch.exp(0.5 * log_variance)
    upper = torch.where(x > 0.999, torch.ones_like(x), cdf((x + 1 / 255 - mean) / sd))
    lower = torch.where(x < -0.999, torch.zeros_like(x), cdf((x - 1 / 255 - mean) / sd))
    return torch.log(torch.clamp(upper - lower, min=LEAST))


def kl(mean_a, log_variance_a, mean_b, log_variance_b):
    a = torch.distributions.Normal(mean_a, torch.exp(0.5 * log_variance_a))
    b = torch.distributions.Normal(mean_b, torch.exp(0.5 * log_variance_b))
    return torch.distributions.kl_divergence(a, b)


def per_dim(nats):
    return nats.flatten(1).mean(1) / math.log(2)


def gaussians(g, n=256):
    def uniform(low, high):
        return low + (high - low) * torch.rand(n, generator=g, dtype=torch.float64)

    out = {"kl.mean_a": uniform(-1, 1), "kl.log_variance_a": uniform(-9, 1),
           "kl.mean_b": uniform(-1, 1), "kl.log_variance_b": uniform(-9, 1)}
    out["kl"] = kl(*out.values())
    x = torch.randint(0, 256, (n,), generator=g).double() / 127.5 - 1
    x[:8], x[8:16] = -1, 1
    mean, log_variance = x + uniform(-0.1, 0.1), uniform(-9, 0)
    out.update({"bin.x": x, "bin.mean": mean, "bin.log_variance": log_variance,
                "bin.tanh": log_bin(x, mean, log_variance, cdf_tanh),
                "bin.exact": log_bin(x, mean, log_variance, cdf_exact)})
    return out


def chain(g, steps=12, shape=(3, 4, 5, 2)):
    beta = torch.linspace(0.002, 0.35, steps, dtype=torch.float64)
    alpha_bar = torch.cumprod(1 - beta, 0)
    before = torch.cat([torch.ones(1, dtype=torch.float64), alpha_bar[:-1]])
    beta_tilde = (1 - before) / (1 - alpha_bar) * beta
    x = (torch.randint(0, 256, shape, generator=g).double() / 127.5 - 1).float().double()
    error = torch.sqrt(1 - alpha_bar).reshape(-1, 1, 1, 1, 1)
    x0_hat = (x + 0.7 * error * torch.randn((steps,) + shape, generator=g, dtype=torch.float64)).float().double()
    o = (2 * torch.rand((steps,) + shape, generator=g, dtype=torch.float64) - 1).float().double()
    last = alpha_bar[-1]
    prior = per_dim(kl(torch.sqrt(last) * x, torch.log(1 - last), torch.zeros_like(x), torch.zeros(())))
    clipped = x0_hat.clamp(-1, 1)
    terms = {"small": [], "large": [], "range": []}
    for t in range(steps):
        small = torch.log(beta_tilde[max(t, 1)])  # the first step's own is 0: it has the second's
        large = torch.log(beta[t])
        share = (o[t] + 1) / 2
        choice = {"small": small, "large": large if t else small, "range": share * large + (1 - share) * small}
        for name, log_variance in choice.items():
            log_variance = torch.as_tensor(log_variance).expand(shape)
            if t == 0:
                terms[name].append(per_dim(-log_bin(x, clipped[0], log_variance, cdf_tanh)))
                continue
            # equations 6 and 7, on a state x_t that both means share
            x_t = torch.sqrt(alpha_bar[t]) * x
            of_x0 = torch.sqrt(before[t]) * beta[t] / (1 - alpha_bar[t])
            of_x = torch.sqrt(1 - beta[t]) * (1 - before[t]) / (1 - alpha_bar[t])
            terms[name].append(per_dim(kl(of_x0 * x + of_x * x_t, torch.log(beta_tilde[t]),
                                          of_x0 * clipped[t] + of_x * x_t, log_variance)))
    out = {"chain.alpha_bar": alpha_bar, "chain.x": x.float(), "chain.x0_hat": x0_hat.float(), "chain.o": o.float(),
           "chain.prior": prior, "chain.mse": ((clipped - x) ** 2).flatten(2).mean(2)}
    out.update({"chain.terms." + name: torch.stack(values) for name, values in terms.items()})
    return out


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
    path = sys.argv[1] if len(sys.argv) > 1 else "tests/golden/likelihood/likelihood.safetensors"
    g = torch.Generator().manual_seed(20)
    tensors = gaussians(g)
    tensors.update(chain(g))
    save(tensors, path)


if __name__ == "__main__":
    main()
