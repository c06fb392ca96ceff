"""The rows of the table: what is compared, its bar and its aim, and how it is measured.

A row gives one line or more; a line is what is printed and stored. Speeds are PyTorch's time over ito's, the more the
better; memory is ito's over PyTorch's, the less the better.
"""
import os
import shutil
import struct
import tempfile
from dataclasses import dataclass

from sides import ROOT, Failure, Ito, Program, Torch, best_variant, run, summary, take_turns, environment

NAMES = {"ddpm-cifar10": "DDPM CIFAR-10 U-Net", "small": "small U-Net"}
MODES = {"forward": "forward", "train": "training step"}
SAMPLES, STEPS, GUIDANCE = 64, 50, 2


@dataclass(frozen=True)
class Case:
    """A network at work: what both sides are told."""
    preset: str
    mode: str
    batch: int
    isa: str = None
    size: int = 0

    @property
    def work(self):
        held = ", both held to AVX2" if self.isa else ""
        return f"{NAMES[self.preset]}, batch {self.batch}, {MODES[self.mode]}{held}"


@dataclass(frozen=True)
class Row:
    key: str
    measure: object  # (args, row, say) to lines
    case: Case = None
    seconds: float = 60  # that five rounds take on two cores, the choice among eager variants included
    compiles: float = 0  # seconds more for torch.compile when nothing is in its cache


def say_nothing(_):
    pass


# ---- lines ----

def compared(key, work, unit, bar, aim, ito, rival, **more):
    """One line of the table. bar and aim are factors to reach, or for memory shares to stay under."""
    of = "peak_rss" if unit == "bytes" else "ms"
    ratio = ito[of] / rival[of] if bar < 1 else rival[of] / ito[of]
    reaches = (lambda limit: ratio <= limit) if bar < 1 else (lambda limit: ratio >= limit)
    verdict = "aim met" if reaches(aim) else "met" if reaches(bar) else "missed"
    return {"key": key, "work": work, "unit": unit, "bar": bar, "aim": aim, "ito": ito, "rival": rival, "ratio": ratio,
            "verdict": verdict, **more}


# ---- networks ----

def check_same(ito, torch):
    for key in ("batch", "height", "threads", "n_weights"):
        if ito[key] != torch[key]:
            raise Failure(f"the two differ in {key}: ito {ito[key]}, PyTorch {torch[key]}")


def measure_case(args, case, say):
    """Summaries of ito and PyTorch."""
    torch_side, choice = best_variant(args.variants, lambda variant: Torch(args, case, variant), say)
    try:
        ito, torch = take_turns((Ito(args, case), torch_side), args.rounds)
    finally:
        torch_side.close()
    check_same(ito[0], torch[0])
    plan = {key: ito[0][key] for key in ("gflops", "peak_bytes", "n_weights")}
    made = {key: torch[0][key] for key in ("torch", "optimizer", "attention", "libraries", "instruction_set")}
    return {**summary(ito), **plan}, {**summary(torch), **made, **choice}


def measure_network(args, row, say):
    ito, torch = measure_case(args, row.case, say)
    lines = [compared(row.key, row.case.work, "ms", 2.5, 4, ito, torch)]
    if row.case.mode == "train" and not row.case.isa:
        # PyTorch's lightest variant, which need not be its fastest: each bar is held against its best
        lightest = min(torch["variants"].items(), key=lambda item: item[1]["peak_rss"])
        least = {"peak_rss": min(lightest[1]["peak_rss"], torch["peak_rss"]), "variant": lightest[0]}
        lines.append(compared(row.key + "-memory", row.case.work + ", peak memory of the process", "bytes", 1 / 2,
                              1 / 3, {"peak_rss": ito["peak_rss"]}, least))
    return lines


# ---- sampling ----

def write_idx(path, shape, data):
    with open(path, "wb") as file:
        file.write(struct.pack(">BBBB", 0, 0, 8, len(shape)) + struct.pack(f">{len(shape)}I", *shape) + data)


def make_model(args, folder):
    """Some model of MNIST's recipe: one training step on noise, as speed does not depend on weights."""
    n, data, model = 64, os.path.join(folder, "noise"), os.path.join(folder, "model")
    os.mkdir(data)
    write_idx(os.path.join(data, "train-images-idx3-ubyte"), (n, 28, 28), os.urandom(n * 28 * 28))
    write_idx(os.path.join(data, "train-labels-idx1-ubyte"), (n,), bytes(i % 10 for i in range(n)))
    run([args.ito, "train", data, "--recipe", "mnist", "--steps", "1", "--quiet", "--out", model],
        environment(args.threads, None))
    return model


def sampling_sides(args, model, folder):
    """ito, and a function that starts PyTorch in a variant, as best_variant wants it."""
    def options(path):
        return [model, "-n", str(SAMPLES), "--steps", str(STEPS), "--guidance", str(GUIDANCE), "--seed", "0",
                "--threads", str(args.threads), "--out", path]
    ours, theirs = os.path.join(folder, "ito.png"), os.path.join(folder, "torch.png")
    script = os.path.join(ROOT, "bench", "sample_torch.py")

    def start(variant):
        side = Program([args.python, script, "--variant", variant] + options(theirs), theirs, args.threads)
        side.variant, side.first = variant, side.turn()
        return side
    return Program([args.ito, "sample", "--quiet"] + options(ours), ours, args.threads), start


def measure_sampling(args, row, say):
    eager = [variant for variant in args.variants if not variant.startswith("compiled")] or ["channels-last"]
    folder = tempfile.mkdtemp(prefix="ito-compare-")
    try:
        ito, start = sampling_sides(args, args.model or make_model(args, folder), folder)
        torch, choice = best_variant(eager, start, say)
        ours, theirs = take_turns((ito, torch), args.rounds)
    finally:
        shutil.rmtree(folder)
    work = f"sampling {SAMPLES} MNIST images, {STEPS} DDIM steps, guidance, start to PNG"
    return [compared(row.key, work, "ms", 3, 5, summary(ours), {**summary(theirs), **choice})]


# ---- bfloat16 ----

def measure_bf16(args, row, _):
    """ito's bf16 beside its own float32."""
    work = f"{row.case.work} in bf16, beside ito's own float32"
    narrow, wide = map(summary, take_turns((Ito(args, row.case, "bf16"), Ito(args, row.case)), args.rounds))
    return [compared(row.key, work, "ms", 1, 1 / 0.75, narrow, wide),
            compared(row.key + "-memory", work + ", peak memory", "bytes", 0.65, 0.65, narrow, wide)]


# ---- the table ----

def network_rows():
    """name: seconds forward and training, as Row has them."""
    seconds = {"ddpm": (80, 170, 150, 420), "small": (45, 75, 120, 300)}
    for isa in (None, "avx2"):
        for name, preset, batch in (("ddpm", "ddpm-cifar10", 16), ("small", "small", 64)):
            forward, train, compile_forward, compile_train = seconds[name]
            prefix = f"{isa}-{name}" if isa else name
            yield Row(f"{prefix}-forward", measure_network, Case(preset, "forward", batch, isa), forward,
                      compile_forward)
            yield Row(f"{prefix}-train", measure_network, Case(preset, "train", batch, isa), train, compile_train)


ROWS = [*network_rows(),
        Row("sampling", measure_sampling, None, 270),
        Row("latency-ddpm", measure_network, Case("ddpm-cifar10", "forward", 1), 25, 150),
        Row("latency-small", measure_network, Case("small", "forward", 1), 20, 120),
        Row("bf16-forward", measure_bf16, Case("ddpm-cifar10", "forward", 16), 40),
        Row("bf16-latency", measure_bf16, Case("ddpm-cifar10", "forward", 1), 20),
        Row("bf16-train", measure_bf16, Case("ddpm-cifar10", "train", 16), 90),
        Row("bf16-small-train", measure_bf16, Case("small", "train", 64), 40)]
