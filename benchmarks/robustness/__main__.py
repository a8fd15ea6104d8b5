"""All campaigns, one after the other: ``python -m benchmarks.robustness --seed 0``."""

import argparse
import subprocess
import sys

CAMPAIGNS = ("calls", "pictures", "interruptions")


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seed", type=int, default=0)
    seed = str(options.parse_args().seed)
    failed = [
        name
        for name in CAMPAIGNS
        if subprocess.run(
            [sys.executable, "-m", f"benchmarks.robustness.{name}", "--seed", seed],
            check=False,
        ).returncode
    ]
    print(f"faults in: {', '.join(failed)}" if failed else "no faults")
    return bool(failed)


if __name__ == "__main__":
    raise SystemExit(main())
