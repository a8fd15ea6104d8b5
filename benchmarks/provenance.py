"""What a row of results says of where it came from."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import sklearn
import torch

import deepcluster_sk


def provenance():
    """Command, commit, machine and versions."""
    try:
        commit = git("rev-parse", "--short", "HEAD")
        # Results that are being written do not make the code another.
        if git("status", "--porcelain", "--", "*.py"):
            commit += "-dirty"
    except (OSError, subprocess.CalledProcessError):
        commit = "unknown"
    return {
        "command": command(),
        "commit": commit,
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, "
        f"{torch.get_num_threads()} thread(s)",
        "versions": f"deepcluster_sk {deepcluster_sk.__version__}, "
        f"torch {torch.__version__}, scikit-learn {sklearn.__version__}",
    }


def git(*words):
    """What git says of the code."""
    run = subprocess.run(
        ["git", *words],
        cwd=Path(__file__).resolve().parents[1],
        capture_output=True,
        text=True,
        check=True,
    )
    return run.stdout.strip()


def command():
    """Write the command line as others would type it."""
    words = sys.argv[1:]
    if "--data" in words[:-1]:
        words[words.index("--data") + 1] = "FOLDER"
    quoted = [f'"{word}"' if " " in word else word for word in words]
    return " ".join(["python -m", f"benchmarks.{Path(sys.argv[0]).stem}", *quoted])
