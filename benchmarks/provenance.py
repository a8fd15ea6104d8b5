"""What a row of results says of where it came from."""

import hashlib
import os
import platform
import subprocess
import sys
from pathlib import Path

import sklearn
import torch

import deepcluster_sk

ROOT = Path(__file__).resolve().parents[1]


def provenance(noted=None):
    """Command, commit, machine, processor and versions.

    Parameters
    ----------
    noted : str, default=None
        What :func:`note` said of the code, for a copy of it. Git may know nothing of
        that, or of an earlier commit alone.

    Returns
    -------
    dict
        The commit ends in ``-dirty`` where the code is not the commit's.
    """
    return {
        "command": command(),
        "commit": commit(noted),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, "
        f"{torch.get_num_threads()} thread(s)",
        "cpu": cpu_model(),
        "versions": f"deepcluster_sk {deepcluster_sk.__version__}, "
        f"torch {torch.__version__}, scikit-learn {sklearn.__version__}",
    }


def commit(noted=None):
    """Commit of the code, and whether the code is still that."""
    found, _, digest = (noted or "unknown").partition(" ")
    if digest == digest_of_code():
        return found
    try:
        found = git("rev-parse", "--short", "HEAD")
    except (OSError, subprocess.CalledProcessError):
        known = noted is None or found.endswith("-dirty")
        return found if known else f"{found}-dirty"
    # Results that are being written do not make the code another.
    return f"{found}-dirty" if git("status", "--porcelain", "--", "*.py") else found


def note():
    """Say what the code is, in a line that :func:`provenance` takes."""
    return f"{commit()} {digest_of_code()}"


def digest_of_code():
    """Hash of the package and of the benchmarks."""
    digest = hashlib.sha256()
    for folder in ("deepcluster_sk", "benchmarks"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            digest.update(path.relative_to(ROOT).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def cpu_model():
    """Name of the processor: the last digits of float32 depend on it."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        facts = dict.fromkeys(("model name", "cpu family", "model"), "")
        for line in cpuinfo.read_text().splitlines():
            name, _, value = line.partition(":")
            if name.strip() in facts and not facts[name.strip()]:
                facts[name.strip()] = value.strip()
        if facts["model name"]:
            # Virtual machines give but half a name, and the numbers tell it apart.
            numbers = f"family {facts['cpu family']} model {facts['model']}"
            return f"{facts['model name']} ({numbers})"
    return platform.processor() or platform.machine()


def git(*words):
    """What git says of the code."""
    run = subprocess.run(
        ["git", *words], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return run.stdout.strip()


def command():
    """Write the command line as others would type it."""
    words = sys.argv[1:]
    shown_as = {"--data": "FOLDER", "--models": "FOLDER", "--output": "FILE"}
    for option, shown in shown_as.items():
        if option in words[:-1]:
            words[words.index(option) + 1] = shown
    quoted = [f'"{word}"' if " " in word else word for word in words]
    path = Path(sys.argv[0])
    name = path.parent.name if path.stem == "__main__" else path.stem
    return " ".join(["python -m", f"benchmarks.{name}", *quoted])
