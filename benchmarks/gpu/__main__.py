"""Everything that is to be known of a GPU, in the few minutes that there is one.

Where there is no GPU, but the data:

    python -m benchmarks.gpu --prepare .gpu --data FOLDER

puts all that is needed beside the checkout: packages that may be missing there, the
data sets, and what commit this is. It lies in parts that travel alone, the most needed
first. Where there is a GPU:

    python -m benchmarks.gpu --folder .gpu --minutes 10

runs its steps in the order of their worth, and writes rows to ``results/gpu.csv`` as
soon as they are measured. What no longer fits the time is left out; ``--only`` names
steps. All of it on small data, without a GPU, to see that it works:

    python -m benchmarks.gpu --device cpu --quick
"""

import argparse
import os
import sys
from pathlib import Path


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=Path(".gpu"))
    parser.add_argument("--prepare", type=Path, metavar="FOLDER")
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="to prepare from")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--quick", action="store_true", help="small data")
    parser.add_argument("--only", nargs="+", metavar="STEP")
    parser.add_argument("--output", type=Path, metavar="FILE", help="where rows go")
    options = parser.parse_args()
    if options.prepare is not None:
        from benchmarks.gpu.prepare import prepare

        prepare(options.prepare, options.data)
        return
    # Before anything is imported that may be missing here.
    brought = [options.folder.resolve() / "site", *sorted(options.folder.glob("*.whl"))]
    sys.path[:0] = map(str, brought)
    paths = [*map(str, brought), os.environ.get("PYTHONPATH", "")]
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
    from benchmarks.gpu.run import run

    run(options)


if __name__ == "__main__":
    main()
