#!/usr/bin/env python3
"""Makes tests/golden/scheduler/*.json: trajectories of diffusers' schedulers from their configurations.

    python tools/make_scheduler_fixtures.py [CLASS ...]       # needs torch, diffusers, scipy and torchsde

The model is a closed form of (what the network sees, the timestep it is told): the posterior mean of a mixture of two
Gaussians in every element, x_0 = +-m_e + s z, at the noise that the model believes the timestep to have, made into what
the configuration says that networks predict. tests/golden/test_scheduler.c has the same function. The state is a batch of
two with three channels and two pixels; injected noise and the start come from ito's generator (tools/ito_rng.py): draw d of
step k is key (seed, STREAM_STEP, k NOISE_DRAWS + d, sample).

A file has "lists", numbers that cases share, and "cases": the config (what differs from the defaults), and for each number
of steps the timesteps and the sigmas that diffusers chose (numbers of lists, one entry a step, and for sigmas the end;
empty where the class has none), the state after half of the steps as the network sees it, and the last state. All float32.

A run that multiplies a change of the start by 1 + NUDGE to more than SENSITIVE is left out: rounding alone makes that of it. Where
diffusers' coefficients, in float32, move the end by more than ROUNDING from where the same arithmetic goes in float64 from the
same sigmas (differences of exponentials cancel with many steps), the latter is kept, and the run says "float64".
"""
import json
import math
import pathlib
import sys
import warnings

import diffusers
import numpy as np
import torch

import ito_rng
import scheduler_cases

warnings.filterwarnings("ignore")
diffusers.utils.logging.set_verbosity_error()

OUT = pathlib.Path(__file__).resolve().parent.parent / "tests/golden/scheduler"
SEED, SHAPE, STEPS, MOST_BYTES = 7, (2, 3, 1, 2), (5, 10, 25, 50), 190_000
SIZE = SHAPE[1] * SHAPE[2] * SHAPE[3]
MEANS = np.array([0.3 + 0.25 * e for e in range(SIZE)]).reshape(SHAPE[1:])
DEVIATION = 0.4
NUDGE, SENSITIVE, ROUNDING = 4e-7, 4e-5, 8e-5
TOKENS = 1024  # of the image, for dynamic shifting

# Schedulers whose state is x / signal, and whose network sees that scaled.
SCALED = {"EulerDiscreteScheduler", "EulerAncestralDiscreteScheduler", "HeunDiscreteScheduler", "LMSDiscreteScheduler",
          "KDPM2DiscreteScheduler", "KDPM2AncestralDiscreteScheduler", "DPMSolverSDEScheduler"}
# Those that ask the network twice in a step, but once in the last.
TWICE = {"HeunDiscreteScheduler", "KDPM2DiscreteScheduler", "KDPM2AncestralDiscreteScheduler", "DPMSolverSDEScheduler",
         "FlowMatchHeunDiscreteScheduler"}


def noise(stream, step):
    """A batch's numbers of one key."""
    rows = [ito_rng.normal(SEED, stream, step, sample, SIZE) for sample in range(SHAPE[0])]
    return torch.from_numpy(np.stack(rows).reshape(SHAPE).copy())


class Keyed:
    """What diffusers' modules draw from in place of their own sources: numbers of the current step."""

    def __init__(self):
        self.step = self.draw = 0

    def begin(self, step):
        if step != self.step:
            self.step, self.draw = step, 0

    def next(self, *_, **__):
        self.draw += 1
        return noise(ito_rng.STREAM_STEP, self.step * ito_rng.NOISE_DRAWS + self.draw - 1)


def belief(name, config, label):
    """(signal, sigma, what x was multiplied by) that the model believes a timestep to have."""
    T = config.get("num_train_timesteps", 1000)
    if name.startswith("EDM") or name.startswith("CM"):
        sigma = math.exp(4 * label if name.startswith("EDM") else label / 250)
        return 1.0, sigma, 1 / math.sqrt(sigma**2 + 0.25)
    if name.startswith("ScoreSde"):
        return 1.0, label, 1.0
    if name.startswith("IPNDM"):
        return math.cos(math.pi / 2 * label), math.sin(math.pi / 2 * label), 1.0
    if name.startswith("FlowMatch") or config.get("use_flow_sigmas"):
        u = min(max(label / T, 1e-3), 1.0)
        return 1 - u, u, 1.0
    if config.get("timestep_type") == "continuous" and config["prediction_type"] == "v_prediction":
        log_snr = -8 * label
    else:
        log_snr = 9 - 19 * (label + 1) / T
    return math.sqrt(1 / (1 + math.exp(-log_snr))), math.sqrt(1 / (1 + math.exp(log_snr))), 1.0


def kind_of(name, config):
    if name.startswith("ScoreSde"):
        return "score"
    if name.startswith("EDM"):
        return "edm-" if config.get("prediction_type") == "v_prediction" else "edm"
    if name.startswith("CM"):
        return "edm"
    if name.startswith("FlowMatch"):
        return "flow_prediction"
    return "v_prediction" if name.startswith("IPNDM") else config.get("prediction_type", "epsilon")


def model(name, config, seen, label):
    signal, sigma, scale = belief(name, config, label)
    x = seen.double().numpy() / scale
    v = signal**2 * DEVIATION**2 + sigma**2
    x0 = signal * DEVIATION**2 / v * x + sigma**2 / v * MEANS * np.tanh(signal * MEANS * x / v)
    eps = (x - signal * x0) / sigma
    edm = (x0 - 0.25 / (sigma**2 + 0.25) * x) * math.sqrt(sigma**2 + 0.25) / (0.5 * sigma)
    out = {"epsilon": eps, "sample": x0, "v_prediction": signal * eps - sigma * x0, "flow_prediction": eps - x0,
           "score": -eps / sigma, "edm": edm, "edm-": -edm}[kind_of(name, config)]
    if config.get("variance_type") in ("learned", "learned_range"):
        out = np.concatenate([out, np.tanh(0.5 * x + MEANS - 1)], axis=1)
    return torch.from_numpy(out.astype(np.float32))


def state_scale(name, sigma):
    return 1 / math.sqrt(sigma**2 + 1) if name in SCALED else 1.0


def run(name, config, n, keyed, scale=1.0, in_double=False):
    """(timesteps, sigmas, middle, final). scale: of the start. in_double: coefficients are computed from sigmas in float64."""
    s = getattr(diffusers, name)(**config)
    if name == "ScoreSdeVeScheduler":
        return run_score_sde(s, config, n, keyed, scale)
    more = {}
    if config.get("use_dynamic_shifting"):
        c = s.config
        slope = (c.max_shift - c.base_shift) / (c.max_image_seq_len - c.base_image_seq_len)
        more["mu"] = c.base_shift + slope * (TOKENS - c.base_image_seq_len)
    s.set_timesteps(n, **more)
    times, per_step = s.timesteps, 2 if name in TWICE else 1
    x = noise(ito_rng.STREAM_PRIOR, 0) * float(getattr(s, "init_noise_sigma", 1.0)) * scale
    sigmas = [float(v) for v in s.sigmas] if hasattr(s, "sigmas") else []
    if per_step == 2:
        sigmas = [sigmas[0], *sigmas[1::2]]
    sigmas = sigmas[: n + 1]  # interpolation_type log_linear has one more, which nothing goes to
    for key in ("sigmas", "sigmas_interpol", "sigmas_up", "sigmas_down"):
        if in_double and hasattr(s, key):
            setattr(s, key, getattr(s, key).double())
    evals = middle_index(name, config, n, per_step)
    middle = None
    for i, t in enumerate(times):
        keyed.begin(i // per_step)
        if i == evals:
            middle = x * (state_scale(name, sigmas[n // 2]) if sigmas else 1.0)
        seen = s.scale_model_input(x, t) if hasattr(s, "scale_model_input") else x
        x = s.step(model(name, config, seen, float(t)), t, x, return_dict=False)[0]
    own = list(times[::per_step]) if name != "PNDMScheduler" else pndm_steps(config, times)
    return [float(t) for t in own], sigmas, middle, x


def middle_index(name, config, n, per_step):
    """Evaluations before half of the steps are made."""
    if name != "PNDMScheduler":
        return per_step * (n // 2)
    return n // 2 + 1 if config.get("skip_prk_steps") else min(n // 2, 3) * 4 + max(n // 2 - 3, 0)


def pndm_steps(config, times):
    """One timestep for each step: it asks twice in its first, or four times in its first three."""
    return [*times[:1], *times[2:]] if config.get("skip_prk_steps") else [*times[:12:4], *times[12:]]


def run_score_sde(s, config, n, keyed, scale):
    """As ScoreSdeVePipeline: correct_steps corrections at a noise level, then the predictor; the last state is its mean."""
    s.set_timesteps(n)
    s.set_sigmas(n)
    x, mean, middle = noise(ito_rng.STREAM_PRIOR, 0) * s.init_noise_sigma * scale, None, None
    for i, t in enumerate(s.timesteps):
        keyed.begin(i)
        if i == n // 2:
            middle = x
        for j in range(s.config.correct_steps):
            keyed.draw = 1 + j
            x = s.step_correct(model("ScoreSde", config, x, float(s.sigmas[i])), x).prev_sample
        keyed.draw = 0  # ito's number of the noise that ends a step
        out = s.step_pred(model("ScoreSde", config, x, float(s.sigmas[i])), t, x)
        x, mean = out.prev_sample, out.prev_sample_mean
    return [float(t) for t in s.timesteps], [], middle, mean


def numbers(values):
    return [float(f"{float(v):.9g}") for v in np.asarray(values, np.float64).reshape(-1)]


class Lists:
    """Numbers that several cases have in common."""

    def __init__(self):
        self.lists = []

    def index(self, values):
        values = numbers(values)
        if values not in self.lists:
            self.lists.append(values)
        return self.lists.index(values)


def differ(a, b, most):
    return float((a - b).abs().max()) > most * max(1.0, float(a.abs().max()))


def case(name, config, lists, keyed):
    runs = []
    for n in STEPS:
        if n > config.get("num_train_timesteps", 40 if name.startswith("CM") else 1000):
            continue
        times, sigmas, middle, final = run(name, config, n, keyed)
        if not (torch.isfinite(final).all() and torch.isfinite(middle).all()):
            print(f"{name} {config}: not finite after {n} steps, left out", flush=True)
            continue
        if differ(final, run(name, config, n, keyed, 1 + NUDGE)[3], SENSITIVE):
            print(f"{name} {config}: {n} steps are too sensitive, left out", flush=True)
            continue
        more, exact = {}, run(name, config, n, keyed, in_double=True)
        if differ(final, exact[3], ROUNDING) or differ(middle, exact[2], ROUNDING):
            print(f"{name} {config}: {n} steps in float64", flush=True)
            middle, final, more = exact[2], exact[3], {"float64": True}
        runs.append({"n": n, "timesteps": lists.index(np.float32(times)), "sigmas": lists.index(np.float32(sigmas)),
                     "middle": numbers(middle.float()), "final": numbers(final.float()), **more})
    return {"config": config, "runs": runs}


def dump(name, cases, lists):
    def lines(items):
        return ",\n".join(json.dumps(item, separators=(",", ":")) for item in items)
    return (f'{{"class": "{name}", "seed": {SEED}, "tokens": {TOKENS}, "diffusers": "{diffusers.__version__}",\n"lists": [\n'
            f'{lines(lists.lists)}],\n"cases": [\n{lines(cases)}]}}\n')


def write(name, configs, keyed, part=0):
    """As many files as it takes."""
    lists, cases = Lists(), []
    for i, config in enumerate(configs):
        cases.append(case(name, config, lists, keyed))
        if len(dump(name, cases, lists)) > MOST_BYTES and i:
            write(name, configs[:i], keyed, part)
            return write(name, configs[i:], keyed, part + 1)
    path = OUT / f"{name.removesuffix('Scheduler')}{f'-{part + 1}' if part else ''}.json"
    path.write_text(dump(name, cases, lists))
    print(f"{path.name}: {len(cases)} configurations, {path.stat().st_size} bytes", flush=True)
    return None


def write_noise():
    """Numbers of the generator, for the test that both are the same."""
    keys = [(SEED, 2, 0, 0), (SEED, 3, 5 * 1024 + 1, 1), (2**63 + 11, 3, 2**32 - 1, 2**40 + 3), (0, 1024, 1, 2**32 - 1)]
    rows = [{"seed": str(k[0]), "stream": k[1], "step": k[2], "sample": str(k[3]), "normal": numbers(ito_rng.normal(*k, 7))}
            for k in keys]
    (OUT / "noise.json").write_text("[\n" + ",\n".join(json.dumps(r, separators=(",", ":")) for r in rows) + "]\n")


def patch(keyed):
    """Noise of ours wherever diffusers draws its own."""
    for module in [m for key, m in sys.modules.items() if key.startswith("diffusers.schedulers.")]:
        if hasattr(module, "randn_tensor"):
            module.randn_tensor = keyed.next
    sde = sys.modules["diffusers.schedulers.scheduling_dpmsolver_sde"]
    sde.BrownianTreeNoiseSampler = lambda *_: keyed.next


def main():
    keyed, cases = Keyed(), scheduler_cases.all_cases()
    for name in cases:
        getattr(diffusers, name)
    patch(keyed)
    OUT.mkdir(parents=True, exist_ok=True)
    write_noise()
    for name in sys.argv[1:] or cases:
        write(name, cases[name], keyed)


if __name__ == "__main__":
    main()
