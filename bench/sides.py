"""Two sides that take turns: processes of ito and of PyTorch, started, timed and weighed.

A turn of a network is a few timed runs after one to warm up. ito starts a process for each turn. PyTorch keeps one, as
its start and its compilation take longer than many turns; it does nothing and holds no core between them. A turn of
sampling is a whole process, from its start to its end.
"""
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VARIANTS = ("nchw", "channels-last", "compiled-nchw", "compiled-channels-last")
ISA_LIMITS = {None: {}, "avx2": {"ITO_ISA": "avx2", "ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2"}}
RSS_UNIT = 1 if sys.platform == "darwin" else 1024


class Failure(Exception):
    """A side that could not do its work; the text says why."""


def environment(threads, isa):
    return dict(os.environ, OMP_NUM_THREADS=str(threads), **ISA_LIMITS[isa])


def last_words(text):
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    return lines[-1][:300] if lines else "no message"


def run(command, env):
    """Seconds from start to end, the largest resident set, and what was printed."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        start = time.perf_counter()
        try:
            process = subprocess.Popen(command, stdout=out, stderr=err, env=env)
        except OSError as e:
            raise Failure(f"cannot run {command[0]}: {e.strerror}") from e
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        if process.returncode:
            raise Failure(f"{' '.join(command)} ended with status {process.returncode}: {last_words(err.read())}")
        return seconds, usage.ru_maxrss * RSS_UNIT, out.read()


def network_options(args, case):
    options = ["--preset", case.preset, "--mode", case.mode, "--threads", str(args.threads), "--repeats",
               str(args.repeats)]
    options += ["--batch", str(case.batch)] if case.batch else []
    return options + (["--size", str(case.size)] if case.size else [])


class Ito:
    """`ito bench unet`, a process a turn."""

    def __init__(self, args, case, precision="f32"):
        self.env = environment(args.threads, case.isa)
        self.command = [args.ito, "bench", "unet", "--json", "--precision", precision] + network_options(args, case)

    def turn(self):
        _, rss, out = run(self.command, self.env)
        lines = [line for line in out.splitlines() if '"result"' in line]
        if not lines:
            raise Failure(f"{' '.join(self.command)} printed no result")
        return dict(json.loads(lines[-1]), peak_rss=rss)

    def close(self):
        pass


class Torch:
    """bench/unet_torch.py, one process for all turns. Starting it takes its first turn."""

    def __init__(self, args, case, variant):
        command = [args.python, os.path.join(ROOT, "bench", "unet_torch.py"), "--serve", "--variant", variant]
        self.errors = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(command + network_options(args, case), env=environment(args.threads, case.isa),
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, text=True)
        self.variant = variant
        self.first = self.read()
        if case.isa and self.first["instruction_set"].lower() != case.isa:
            self.close()
            raise Failure(f"PyTorch runs with {self.first['instruction_set']} where {case.isa} was asked for")

    def read(self):
        line = self.process.stdout.readline()
        if line:
            return json.loads(line)
        status = self.process.wait()
        self.errors.seek(0)
        raise Failure(f"PyTorch, {self.variant}, ended with status {status}: {last_words(self.errors.read())}")

    def turn(self):
        self.process.stdin.write("turn\n")
        self.process.stdin.flush()
        return self.read()

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


class Program:
    """A command that writes a file, from its start to its end."""

    def __init__(self, command, path, threads):
        self.command, self.path, self.env = command, path, environment(threads, None)

    def turn(self):
        if os.path.exists(self.path):
            os.remove(self.path)
        seconds, rss, _ = run(self.command, self.env)
        if not os.path.exists(self.path):
            raise Failure(f"{' '.join(self.command)} wrote no {self.path}")
        return {"ms": 1e3 * seconds, "ms_min": 1e3 * seconds, "ms_max": 1e3 * seconds, "peak_rss": rss}

    def close(self):
        pass


def best_variant(variants, start, say):
    """The side that is fastest in its first turn, still open, with what is known of all of them. One that fails is
    left out and said; at most two are open at a time."""
    best, tried, failures = None, {}, {}
    for variant in variants:
        try:
            side = start(variant)
        except Failure as e:
            failures[variant] = str(e)
            say(f"{variant} is left out: {e}")
            continue
        tried[variant] = {"ms": side.first["ms"], "peak_rss": side.first["peak_rss"]}
        loser = side if best and best.first["ms"] <= side.first["ms"] else best
        best = best if loser is side else side
        if loser:
            loser.close()
    if not best:
        raise Failure("; ".join(failures.values()))
    return best, {"variant": best.variant, "variants": tried, "failures": failures}


def take_turns(sides, rounds):
    """The results of each side: first, second, first, second, ..."""
    turns = [[] for _ in sides]
    for _ in range(rounds):
        for side, results in zip(sides, turns):
            results.append(side.turn())
    return turns


def summary(turns):
    """The median of the turns' medians, the range of all timed runs, the largest resident set."""
    return {"ms": statistics.median(t["ms"] for t in turns),
            "ms_min": min(t["ms_min"] for t in turns),
            "ms_max": max(t["ms_max"] for t in turns),
            "ms_turns": [t["ms"] for t in turns],
            "peak_rss": max(t["peak_rss"] for t in turns)}
