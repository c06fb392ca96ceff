#!/usr/bin/env python3
"""Writes tests/golden/training/training.safetensors: training targets and losses computed from the papers' definitions.

Needs numpy (made with numpy 2.4); nothing else in the project does.

    python3 tools/make_training_fixtures.py [FILE]

Everything is computed in float64 from inputs that are stored; what ito reads as float32 is rounded before it is used. All is in
the papers' own terms: their time, their label, their sum or mean over dimensions. tests/golden/test_training.c says by which
factor ito's differ. The papers: DDPM (arXiv 2006.11239), improved DDPM (2102.09672), NCSN (1907.05600), score SDE (2011.13456)
and its likelihood weighting (2101.09258), EDM (2206.00364), flow matching (2210.02747), Stable Diffusion 3 (2403.03206).

  x0, eps, extra     float32 [N, H, W, C], of every case; x0 of 8 bits; extra is the learned variance's output

NAME is a case, one of main()'s; [N] is one number a sample:
  NAME.t             float64 [N], time as the paper counts it
  NAME.label         float64 [N], what the network is told of it
  NAME.signal, NAME.sigma     float64 [N], x_t = signal x0 + sigma eps
  NAME.g             float64 [N], the SDE's diffusion coefficient; SDEs only
  NAME.in            float64 [N, H, W, C], what the network sees
  NAME.output        float32 [N, H, W, C], what it says
  NAME.target        float64 [N, H, W, C], what it should have said
  NAME.x0_hat        float64 [N, H, W, C], the data that follow from what it says
  NAME.loss          float64 [N]
  NAME.d_output, NAME.d_extra float64 [N, H, W, C], the loss's gradients, of the cases with a learned variance

The second-moment resampler of improved DDPM on the chain of vlb_eps, T timesteps:
  resampler.t, resampler.loss float64 [M], what it is shown, t from 0
  resampler.shown             float64 [3], after so many ..
  resampler.p, resampler.factor float64 [3, T], .. these are its probabilities and the factors of the loss

EDM's levels: edm.sigma = exp(P_mean + P_std z) at the normal numbers z with P(Z < z) = edm.u, float64 [N] both; edm.t is sigma.
"""
import json
import math
import struct
import sys

import numpy as np

N, SHAPE = 8, (2, 3, 2)
D = math.prod(SHAPE)
AXES = (1, 2, 3)


def per_sample(x):
    """Numbers [N] beside arrays [N, H, W, C]."""
    return np.reshape(x, (N, 1, 1, 1))


def as_float32(x):
    return x.astype(np.float32).astype(np.float64)


def total(x):
    return x.sum(AXES)


def mean(x):
    return x.mean(AXES)


class Inputs:
    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)
        x0 = self.rng.integers(0, 256, (N,) + SHAPE) / 127.5 - 1
        x0[:, 0, 0, 0], x0[:, 0, 0, 1] = -1, 1  # the open bins
        self.x0, self.eps = as_float32(x0), as_float32(self.normal())
        self.extra = as_float32(self.rng.uniform(-1.2, 1.2, (N,) + SHAPE))

    def normal(self):
        return self.rng.standard_normal((N,) + SHAPE)

    def output(self, target, size):
        """Wrong by about `size`."""
        return as_float32(target + per_sample(size) * self.normal())


def case(t, label, signal, sigma, seen, output, target, x0_hat, loss, **more):
    out = dict(t=t, label=label, signal=signal, sigma=sigma, target=target, x0_hat=x0_hat, loss=loss, **more)
    out = {name: np.asarray(value, np.float64) * np.ones(N if np.ndim(value) <= 1 else 1) for name, value in out.items()}
    return out | {"in": np.asarray(seen, np.float64), "output": output.astype(np.float32)}


# ---- DDPM and improved DDPM ----

class Chain:
    """Timesteps from 0, as the papers' programs count."""

    def __init__(self, betas):
        self.T, self.betas = len(betas), betas
        self.alpha_bar = np.cumprod(1 - betas)
        self.before = np.append(1.0, self.alpha_bar[:-1])
        # DDPM, equations 6 and 7
        self.beta_tilde = betas * (1 - self.before) / (1 - self.alpha_bar)
        self.log_beta_tilde = np.log(np.append(self.beta_tilde[1], self.beta_tilde[1:]))  # the first has the second's
        self.of_x0 = betas * np.sqrt(self.before) / (1 - self.alpha_bar)
        self.of_x = (1 - self.before) * np.sqrt(1 - betas) / (1 - self.alpha_bar)


def linear_chain(T):
    """DDPM's betas, for T = 1000, and what keeps their sum for others."""
    return Chain(np.linspace(0.1 / T, 20 / T, T))


def cosine_chain(T):
    """Improved DDPM, equation 17."""
    f = np.cos((np.arange(T + 1) / T + 0.008) / 1.008 * math.pi / 2) ** 2
    return Chain(np.minimum(1 - f[1:] / f[:-1], 0.999))


def cdf(z):
    """The programs' approximation of the normal distribution function, and its derivative."""
    u, slope = z + 0.044715 * z ** 3, 1 + 3 * 0.044715 * z ** 2
    p = 1 / (1 + np.exp(-2 * math.sqrt(2 / math.pi) * u))  # = (1 + tanh(sqrt(2 / pi) u)) / 2
    return p, 2 * math.sqrt(2 / math.pi) * slope * p * (1 - p)


def decoder(x, mu, log_variance):
    """DDPM, equation 13: -log p of 8-bit data, and its derivatives in the mean and in the logarithm of the variance."""
    sd = np.exp(0.5 * log_variance)
    z_above, z_below = (x + 1 / 255 - mu) / sd, (x - 1 / 255 - mu) / sd
    (above, d_above), (below, d_below) = cdf(z_above), cdf(z_below)
    flip = z_below > 0  # the mirror image, where nothing cancels
    p = np.where(flip, cdf(-z_below)[0] - cdf(-z_above)[0], above - below)
    p = np.where(x > 0.999, cdf(-z_below)[0], np.where(x < -0.999, above, p))
    d_above, d_below = np.where(x > 0.999, 0, d_above), np.where(x < -0.999, 0, d_below)
    assert p.min() > 1e-11  # the programs take no less than 1e-12
    return -np.log(p), (d_above - d_below) / (sd * p), (z_above * d_above - z_below * d_below) / (2 * p)


def bound(chain, i, x0, true_mean, mu, log_variance):
    """Nats per element, with the same derivatives: DDPM, equations 5 and 8."""
    log_q = per_sample(chain.log_beta_tilde[i])
    away, ratio, precision = mu - true_mean, np.exp(log_q - log_variance), np.exp(-log_variance)
    kl = 0.5 * (log_variance - log_q - 1 + ratio + away ** 2 * precision)
    terms = kl, away * precision, 0.5 * (1 - ratio - away ** 2 * precision)
    first = per_sample(i) == 0
    # elements of other timesteps may lie far from any bin
    safe = np.where(first, mu, x0), np.where(first, log_variance, 0.0)
    return [np.where(first, a, b) for a, b in zip(decoder(x0, *safe), terms)]


def chain_case(data, chain, i, prediction, kind):
    """kind: simple, hybrid, or vlb, which is the term L_t in bits per dimension."""
    ab, i = per_sample(chain.alpha_bar[i]), np.asarray(i)
    of_x0, of_x = per_sample(chain.of_x0[i]), per_sample(chain.of_x[i])
    x = np.sqrt(ab) * data.x0 + np.sqrt(1 - ab) * data.eps
    true_mean = of_x0 * data.x0 + of_x * x
    noise = np.sqrt(1 / chain.alpha_bar[i] - 1)
    target, size = {"eps": (data.eps, 0.5 * np.ones(N)), "x0": (data.x0, 0.5 * np.minimum(noise, 1)),
                    "mu": (true_mean, 0.5 * np.sqrt(chain.betas[i]))}[prediction]
    output = data.output(target, size)
    if prediction == "mu":
        x0_hat, mu, slope = (output - of_x * x) / of_x0, output, 1
    else:
        x0_hat = output if prediction == "x0" else x / np.sqrt(ab) - per_sample(noise) * output  # DDPM, equation 15
        mu, slope = of_x0 * x0_hat + of_x * x, of_x0 * (1 if prediction == "x0" else -per_sample(noise))
    simple = mean((target - output) ** 2)  # DDPM, equation 14
    if kind == "simple":
        return case(i, i, np.sqrt(ab[:, 0, 0, 0]), np.sqrt(1 - ab[:, 0, 0, 0]), x, output, target, x0_hat, simple)
    # improved DDPM, equation 15
    share, log_beta, log_tilde = (data.extra + 1) / 2, np.log(chain.betas[i]), chain.log_beta_tilde[i]
    log_variance = share * per_sample(log_beta) + (1 - share) * per_sample(log_tilde)
    nats, d_mean, d_log = bound(chain, i, data.x0, true_mean, mu, log_variance)
    bits, per_bit = mean(nats) / math.log(2), 1 / (D * math.log(2))
    d_extra = d_log * per_sample((log_beta - log_tilde) / 2) * per_bit
    if kind == "vlb":
        loss, d_output = bits, d_mean * slope * per_bit
    else:  # improved DDPM, equation 16: lambda = 0.001, L_vlb = T L_t of a random t, which teaches the variance alone
        rescale = 0.001 * chain.T
        loss, d_output, d_extra = simple + rescale * bits, 2 * (output - target) / D, rescale * d_extra
    return case(i, i, np.sqrt(ab[:, 0, 0, 0]), np.sqrt(1 - ab[:, 0, 0, 0]), x, output, target, x0_hat, loss,
                d_output=d_output, d_extra=d_extra)


def resampler(rng, T, history=10, uniform=0.001):
    """Improved DDPM, section 3.3 and equation 18: the last ten losses of every timestep, a little of uniform times."""
    t = np.concatenate([rng.permutation(np.repeat(np.arange(T), history)), rng.integers(0, T, 4 * T)])
    last = int(np.flatnonzero(t == t[T * history - 1])[history - 1])  # with it every timestep has ten
    assert last == T * history - 1
    loss = rng.uniform(0.2, 2, len(t)) / (1 + t)
    shown, ps = [last, last + 1, len(t)], []
    for n in shown:
        lists = [loss[:n][t[:n] == k][-history:] for k in range(T)]
        w = np.array([math.sqrt((x ** 2).mean()) for x in lists])
        warm = min(map(len, lists)) == history
        ps.append((1 - uniform) * w / w.sum() + uniform / T if warm else np.full(T, 1 / T))
    return {"t": t.astype(np.float64), "loss": loss, "shown": np.array(shown, np.float64), "p": np.array(ps),
            "factor": 1 / (T * np.array(ps))}


# ---- score matching: NCSN and SDEs ----

BETA_MIN, BETA_MAX = 0.1, 20.0
SIGMA_MIN, SIGMA_MAX = 0.01, 50.0


def vp_sde(t):
    """Score SDE, equations 11 and 33: signal, sigma, g."""
    integral = BETA_MIN * t + 0.5 * t ** 2 * (BETA_MAX - BETA_MIN)
    return np.exp(-0.5 * integral), np.sqrt(-np.expm1(-integral)), np.sqrt(BETA_MIN + t * (BETA_MAX - BETA_MIN))


def subvp_sde(t):
    """Equations 12 and 36."""
    integral = BETA_MIN * t + 0.5 * t ** 2 * (BETA_MAX - BETA_MIN)
    beta = BETA_MIN + t * (BETA_MAX - BETA_MIN)
    return np.exp(-0.5 * integral), -np.expm1(-integral), np.sqrt(-beta * np.expm1(-2 * integral))


def ve_sde(t):
    """Equations 9 and 31."""
    sigma = SIGMA_MIN * (SIGMA_MAX / SIGMA_MIN) ** t
    return np.ones(N), sigma, sigma * math.sqrt(2 * math.log(SIGMA_MAX / SIGMA_MIN))


def sde_case(data, sde, likelihood):
    """Score SDE, equation 7: lambda |s - grad log q(x_t | x_0)|^2 with lambda = sigma^2; or likelihood weighting, equation 7 of
    its paper: 1/2 g^2 |s - grad log q(x_t | x_0)|^2."""
    t = np.array([1e-5, 1e-3, 0.02, 0.1, 0.35, 0.6, 0.9, 1])
    signal, sigma, g = sde(t)
    x, score = per_sample(signal) * data.x0 + per_sample(sigma) * data.eps, -data.eps / per_sample(sigma)
    if sde is ve_sde:  # the network says the score and is told sigma
        target, size, label = score, 0.5 / sigma, sigma
    else:  # it says eps and is told t on the scale of 1000 timesteps
        target, size, label = data.eps, 0.5 * np.ones(N), 999 * t
    output = data.output(target, size)
    s = output if sde is ve_sde else -output / per_sample(sigma)
    weight = 0.5 * g ** 2 if likelihood else sigma ** 2
    x0_hat = (x + per_sample(sigma) ** 2 * s) / per_sample(signal)  # Tweedie's formula
    return case(t, label, signal, sigma, x, output, target, x0_hat, weight * total((s - score) ** 2), g=g)


def ncsn_case(data, T):
    """NCSN, equations 5 and 6: 1/2 sigma^2 |s + (x_t - x_0) / sigma^2|^2; its levels count from the largest."""
    i = np.array([0, 1, 2, T // 4, T // 2, T - 3, T - 2, T - 1])
    sigma = SIGMA_MAX * (SIGMA_MIN / SIGMA_MAX) ** (i / (T - 1))
    x = data.x0 + per_sample(sigma) * data.eps
    target = -(per_sample(sigma) * data.eps) / per_sample(sigma) ** 2
    output = data.output(target, 0.5 / sigma)
    loss = 0.5 * sigma ** 2 * total((output - target) ** 2)
    return case(i, i, 1, sigma, x, output, target, x + per_sample(sigma) ** 2 * output, loss)


def sde_chain_case(data, T):
    """The VP SDE's discrete form with DDPM's loss: betas from beta_min / T to beta_max / T."""
    return chain_case(data, linear_chain(T), np.array([0, 1, 2, 20, 80, 120, T - 2, T - 1]), "eps", "simple")


# ---- EDM ----

SIGMA_DATA, P_MEAN, P_STD = 0.5, -1.2, 1.2


def edm_preconditioning(sigma):
    """EDM, table 1: c_skip, c_out, c_in, c_noise, lambda."""
    both = sigma ** 2 + SIGMA_DATA ** 2
    return (SIGMA_DATA ** 2 / both, sigma * SIGMA_DATA / np.sqrt(both), 1 / np.sqrt(both), np.log(sigma) / 4,
            both / (sigma * SIGMA_DATA) ** 2)


def vp_preconditioning(sigma, M=1000):
    rise = BETA_MAX - BETA_MIN
    t = (np.sqrt(BETA_MIN ** 2 + 2 * rise * np.log(1 + sigma ** 2)) - BETA_MIN) / rise
    return np.ones(N), -sigma, 1 / np.sqrt(sigma ** 2 + 1), (M - 1) * t, 1 / sigma ** 2


def ve_preconditioning(sigma):
    return np.ones(N), sigma, np.ones(N), np.log(sigma / 2), 1 / sigma ** 2


def edm_case(data, preconditioning, sigma):
    """EDM, equations 2, 7 and 8: lambda |D - y|^2, D = c_skip (y + n) + c_out F(c_in (y + n); c_noise), n = sigma eps."""
    c_skip, c_out, c_in, c_noise, weight = preconditioning(sigma)
    skip, out, scale_in = per_sample(c_skip), per_sample(c_out), per_sample(c_in)
    noised = data.x0 + per_sample(sigma) * data.eps
    target = (data.x0 - skip * noised) / out
    output = data.output(target, 0.5 * np.ones(N))
    denoised = skip * noised + out * output
    signal = c_in if preconditioning is vp_preconditioning else np.ones(N)  # of the process on whose frame F works
    return case(sigma, c_noise, signal, signal * sigma, scale_in * noised, output, target, denoised,
                weight * total((denoised - data.x0) ** 2))


def log_normal_levels(rng):
    z = rng.standard_normal(N)
    u = np.array([0.5 * math.erfc(-value / math.sqrt(2)) for value in z])
    return u, np.exp(P_MEAN + P_STD * z)


# ---- flow matching ----

def flow_case(data):
    """Flow matching, equations 20 to 23 with sigma_min = 0, and rectified flow: x_t = t data + (1 - t) noise, t = 1 at the
    data; |v - (data - noise)|^2."""
    t = np.array([0, 0.001, 0.1, 0.3, 0.5, 0.8, 0.99, 1])
    x = per_sample(t) * data.x0 + per_sample(1 - t) * data.eps
    target = data.x0 - data.eps
    output = data.output(target, 0.5 * np.ones(N))
    return case(t, t, t, 1 - t, x, output, target, x + per_sample(1 - t) * output, total((output - target) ** 2))


def shifted_flow_case(data, shift):
    """Stable Diffusion 3, equations 13 and 23: times shifted towards the noise, the velocity that of the shifted time."""
    t = np.array([0, 0.001, 0.1, 0.3, 0.5, 0.8, 0.99, 1])
    u = shift * t / (1 + (shift - 1) * t)
    x = per_sample(1 - u) * data.x0 + per_sample(u) * data.eps
    target = data.eps - data.x0
    output = data.output(target, 0.5 * np.ones(N))
    return case(t, 1000 * u, 1 - u, u, x, output, target, x - per_sample(u) * output, total((output - target) ** 2))


def save(tensors, path):
    """The safetensors format: length of the header, header, data. Names are sorted; float64 before float32."""
    header, data = {}, b""
    for name, x in sorted(tensors.items(), key=lambda item: (item[1].dtype == np.float32, item[0])):
        kind = "F32" if x.dtype == np.float32 else "F64"
        raw = x.astype("<f4" if kind == "F32" else "<f8").tobytes()
        header[name] = {"dtype": kind, "shape": list(x.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + data)


def main():
    path = sys.argv[1] if len(sys.argv) > 1 else "tests/golden/training/training.safetensors"
    data = Inputs(20)
    long, short = [0, 1, 2, 50, 400, 700, 950, 999], [0, 1, 2, 5, 15, 25, 38, 39]
    u, sigma = log_normal_levels(data.rng)
    cases = {
        "simple_eps": chain_case(data, linear_chain(1000), long, "eps", "simple"),
        "simple_x0": chain_case(data, linear_chain(1000), long, "x0", "simple"),
        "simple_mu": chain_case(data, linear_chain(1000), long, "mu", "simple"),
        "hybrid_eps": chain_case(data, cosine_chain(1000), long, "eps", "hybrid"),
        "hybrid_x0": chain_case(data, cosine_chain(40), short, "x0", "hybrid"),
        "hybrid_mu": chain_case(data, linear_chain(1000), long, "mu", "hybrid"),
        "vlb_eps": chain_case(data, cosine_chain(40), short, "eps", "vlb"),
        "vlb_x0": chain_case(data, linear_chain(1000), long, "x0", "vlb"),
        "vlb_mu": chain_case(data, linear_chain(40), short, "mu", "vlb"),
        "resampler": resampler(data.rng, 40),
        "vp_sde": sde_case(data, vp_sde, False),
        "vp_sde_likelihood": sde_case(data, vp_sde, True),
        "subvp_sde": sde_case(data, subvp_sde, False),
        "subvp_sde_likelihood": sde_case(data, subvp_sde, True),
        "ve_sde": sde_case(data, ve_sde, False),
        "ve_sde_likelihood": sde_case(data, ve_sde, True),
        "ncsn": ncsn_case(data, 1000),
        "sde_chain": sde_chain_case(data, 200),
        "edm": edm_case(data, edm_preconditioning, sigma) | {"u": u, "sigma": sigma},
        "edm_vp": edm_case(data, vp_preconditioning, np.geomspace(0.002, 80, N)),
        "edm_ve": edm_case(data, ve_preconditioning, np.geomspace(0.02, 100, N)),
        "flow": flow_case(data),
        "flow_shift": shifted_flow_case(data, 3.0),
    }
    tensors = {name: getattr(data, name).astype(np.float32) for name in ("x0", "eps", "extra")}
    tensors.update({f"{name}.{part}": np.asarray(x) for name, parts in cases.items() for part, x in parts.items()})
    save(tensors, path)


if __name__ == "__main__":
    main()
