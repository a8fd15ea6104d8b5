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
    command = " ".join(
        ["python", *(Path(arg).name if "/" in arg else arg for arg in sys.argv)]
    )
    root = Path(__file__).resolve().parents[1]
    try:
        commit = subprocess.run(
            ["git", "describe", "--always", "--dirty"],
            cwd=root,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        commit = "unknown"
    return {
        "command": command,
        "commit": commit,
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, "
        f"{torch.get_num_threads()} thread(s)",
        "versions": f"deepcluster_sk {deepcluster_sk.__version__}, "
        f"torch {torch.__version__}, scikit-learn {sklearn.__version__}",
    }
