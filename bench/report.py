"""What bench/compare prints: the table in Markdown, its caption, the setting, JSON."""
import json
import os
import platform
import subprocess

from sides import ROOT

MIB = 1 << 20
HEAD = "| work | bar | aim | ito | PyTorch | ratio | |\n|---|--:|--:|--:|--:|--:|---|"


def limit(bar):
    """2.5 as "2.5x or more", one half as "1/2 or less"."""
    if bar >= 1:
        return f"≥ {bar:.3g}x"
    parts = round(1 / bar)
    return f"≤ 1/{parts}" if abs(bar * parts - 1) < 1e-9 else f"≤ {bar:.3g}"


def amount(line, side):
    s = line[side]
    if line["unit"] == "bytes":
        return f"{s['peak_rss'] / MIB:,.0f} MiB"
    digits = 0 if s["ms"] >= 100 else 1
    return f"{s['ms']:,.{digits}f} ms ({s['ms_min']:,.{digits}f} to {s['ms_max']:,.{digits}f})"


def table_row(line):
    ratio = f"{line['ratio']:.2f}" if line["bar"] < 1 else f"{line['ratio']:.2f}x"
    cells = [line["work"], limit(line["bar"]), limit(line["aim"]), amount(line, "ito"), amount(line, "rival"), ratio,
             line["verdict"]]
    return "| " + " | ".join(cells) + " |"


def output_of(command):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def cpu_name():
    names = []
    if os.path.exists("/proc/cpuinfo"):
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            names = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def setting(args):
    return {"cpu": cpu_name(), "cpus": os.cpu_count(), "system": platform.platform(), "threads": args.threads,
            "rounds": args.rounds, "repeats": args.repeats, "ito": output_of([args.ito, "version"]).split("\n")[0],
            "commit": output_of(["git", "-C", ROOT, "describe", "--always", "--dirty"])}


def caption(s, lines):
    """How the lines came about, for below the table."""
    networks = [line for line in lines if "torch" in line.get("rival", {})]
    chosen = ", ".join(f"{line['key']} {line['rival']['variant']}" for line in lines
                       if "variant" in line.get("rival", {}) and line["unit"] == "ms")
    torch = f"PyTorch {networks[0]['rival']['torch']} with {', '.join(networks[0]['rival']['libraries'])}" if networks \
        else "PyTorch"
    return (f"{s['cpu']}, {s['threads']} threads, float32; median (and range) of {s['rounds']} turns of each, taken "
            f"alternately, {s['repeats']} timed runs in a turn;\n{s['ito']} ({s['commit'] or 'no commit'}), {torch}.\n"
            f"PyTorch's fastest variant: {chosen or 'none'}.")


def read_lines(path):
    """The lines that an earlier run left in its JSON."""
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as file:
        return json.load(file)["lines"]


def write_json(path, s, lines):
    text = json.dumps({"setting": s, "lines": lines}, indent=1 if path else None)
    if not path:
        print("\n" + text)
        return
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    with open(path + ".tmp", "w", encoding="utf-8") as file:
        file.write(text + "\n")
    os.replace(path + ".tmp", path)
