"""A private virtual environment with PyTorch at the version that ito is compared with. Made only when asked for, kept,
and used again."""
import os
import shutil
import subprocess
import sys

VERSION = "2.15.0"
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
GIB = 1 << 30
# Download and unpacked files together: wheels for CPUs alone; those of PyPI, which on Linux bring CUDA's libraries.
NEEDS = {"cpu": 2 * GIB, "pypi": 10 * GIB}


def version_in(python):
    """The version of torch that this Python has, or None."""
    try:
        found = subprocess.run([python, "-c", "import torch; print(torch.__version__)"], capture_output=True, text=True)
    except OSError:
        return None
    return found.stdout.strip() if found.returncode == 0 else None


def is_reachable(pip, index):
    """Does the index answer, with the pinned version?"""
    command = pip + ["install", "--dry-run", "--no-deps", "--quiet", "--retries", "0", "--timeout", "10", "--index-url",
                     index, f"torch=={VERSION}"]
    return subprocess.run(command, capture_output=True).returncode == 0


def check_disk(folder, need):
    """Complains before gigabytes are on their way to a disk that cannot hold them."""
    parent = os.path.abspath(folder)
    while not os.path.exists(parent):
        parent = os.path.dirname(parent)
    free = shutil.disk_usage(parent).free
    print(f"compare: PyTorch {VERSION} needs about {need / GIB:.0f} GiB in {folder}; {free / GIB:.1f} GiB are free",
          file=sys.stderr)
    if free < need:
        sys.exit(f"compare: free {(need - free) / GIB:.1f} GiB more, name another folder, or use --python")


def python_of(folder):
    """The environment's Python, after making whatever is missing."""
    python = os.path.join(folder, "bin", "python")
    found = version_in(python)
    if found and found.split("+")[0] == VERSION:
        return python
    if found:
        sys.exit(f"compare: {folder} has PyTorch {found}, expected {VERSION}; remove it, or use --python {python}")
    check_disk(folder, NEEDS["cpu"])
    if not os.path.exists(python):
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    pip = [python, "-m", "pip"]
    source = ["--index-url", CPU_INDEX] if is_reachable(pip, CPU_INDEX) else []
    if not source:
        print(f"compare: {CPU_INDEX} cannot be reached; PyPI's wheel is larger", file=sys.stderr)
        check_disk(folder, NEEDS["pypi"])
    subprocess.run(pip + ["install", "--no-cache-dir", *source, f"torch=={VERSION}"], check=True)
    return python
