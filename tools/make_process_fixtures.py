#!/usr/bin/env python3
"""Makes tests/golden/process/schedules.txt: what diffusers' DDPMScheduler computes from its schedules, at some timesteps.

    python tools/make_process_fixtures.py        # needs torch and diffusers

A line: schedule, timestep (diffusers' own, from 0), beta, alpha_bar, posterior variance, its clipped logarithm, and the
posterior mean's coefficients of x_0 and of x_t, all computed in float64 from the scheduler's betas. The posterior is
guided-diffusion's: its log-variance has the first entry replaced by the second. A line "schedule NAME T" opens each.
"""
import pathlib

import diffusers
import numpy as np
from diffusers import DDPMScheduler
from diffusers.schedulers.scheduling_ddpm import rescale_zero_terminal_snr

# zero_snr: rescaled to zero terminal SNR? By diffusers' function, but in float64: in float32 the signal of the last
# steps, a difference, has 4 digits left.
SCHEDULES = [
    ("linear", dict(beta_schedule="linear")),
    ("linear-40", dict(beta_schedule="linear", num_train_timesteps=40, beta_end=0.4)),
    ("scaled_linear", dict(beta_schedule="scaled_linear", beta_start=0.00085, beta_end=0.012)),
    ("cosine", dict(beta_schedule="squaredcos_cap_v2")),
    ("sigmoid", dict(beta_schedule="sigmoid")),
    ("laplace", dict(beta_schedule="laplace")),
    ("trained", dict(trained_betas=[0.01, 0.3, 0.25, 0.5], num_train_timesteps=4)),
    ("linear-zero", dict(beta_schedule="linear", zero_snr=True)),
    ("scaled_linear-zero",
     dict(beta_schedule="scaled_linear", beta_start=0.00085, beta_end=0.012, zero_snr=True)),
    ("sigmoid-zero", dict(beta_schedule="sigmoid", zero_snr=True)),
]


def lines(name, config):
    zero_snr = config.pop("zero_snr", False)
    betas = DDPMScheduler(**config).betas.double()
    if zero_snr:
        betas = rescale_zero_terminal_snr(betas)
    betas = betas.numpy()
    n = len(betas)
    alpha_bar = np.cumprod(1 - betas)
    before = np.append(1.0, alpha_bar[:-1])
    variance = betas * (1 - before) / (1 - alpha_bar)
    log_variance = np.log(np.append(variance[1], variance[1:]))
    coef_x0 = betas * np.sqrt(before) / (1 - alpha_bar)
    coef_x = (1 - before) * np.sqrt(1 - betas) / (1 - alpha_bar)
    yield f"schedule {name} {n}"
    for t in sorted({*range(0, n, max(1, n // 25)), 0, 1, 2, n - 2, n - 1} & set(range(n))):
        numbers = (betas[t], alpha_bar[t], variance[t], log_variance[t], coef_x0[t], coef_x[t])
        yield f"{name} {t} " + " ".join(f"{x:.9g}" for x in numbers)


def main():
    out = pathlib.Path(__file__).resolve().parent.parent / "tests" / "golden" / "process" / "schedules.txt"
    out.parent.mkdir(parents=True, exist_ok=True)
    text = [f"# made by tools/make_process_fixtures.py with diffusers {diffusers.__version__}"]
    for name, config in SCHEDULES:
        text += lines(name, config)
    out.write_text("\n".join(text) + "\n")


if __name__ == "__main__":
    main()
