"""How well do the methods find the classes? Set by method by seed.

    python -m benchmarks.accuracy --data FOLDER --sets digits usps --seeds 5

Rows go to ``results/accuracy_SET.csv`` as they are measured, and the tables of all sets
to ``results/accuracy.md`` and the README. Without a folder, MNIST, Fashion-MNIST and
USPS (9,298) are fetched from OpenML.
"""

from benchmarks import tables
from benchmarks.methods import COMPARED, METHODS
from benchmarks.runner import RESULTS, Task, parser, run, seeds


def main():
    options = parser(__doc__, sets=["digits"], seeds=5)
    options.add_argument(
        "--methods", nargs="+", default=COMPARED, choices=list(METHODS)
    )
    options = options.parse_args()
    for name in options.sets:
        tasks = [
            Task(name, method, seed, options.samples)
            for method in options.methods
            for seed in seeds(options)
        ]
        run(RESULTS / f"accuracy_{name}.csv", tasks, options)
        tables.write_all()


if __name__ == "__main__":
    main()
