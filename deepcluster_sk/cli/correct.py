"""``deepcluster correct RESULTS``: clusters merged, split, named, or told."""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from deepcluster_sk.cli.arguments import (
    Commands,
    path,
    same_pictures_arguments,
    whole_number,
)
from deepcluster_sk.cli.fitting import end_if_interrupted
from deepcluster_sk.cli.known import KnownClusters
from deepcluster_sk.cli.reading import check_pictures
from deepcluster_sk.cli.results import (
    check_results,
    names_of,
    read_results,
    write_results,
)

#: Corrections that train the model, one a run.
_CORRECTIONS = ("merge", "split", "labels")


class _Once(argparse.Action):
    """Stores what comes once; a second would be meant by numbers that have changed."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        if getattr(namespace, self.dest) is not None:
            raise argparse.ArgumentError(
                self, "once a run: numbers of clusters may change with it"
            )
        setattr(namespace, self.dest, values)


def add_parser(commands: Commands) -> None:
    """Add this command to the program's."""
    parser = commands.add_parser(
        "correct",
        parents=[same_pictures_arguments()],
        usage="%(prog)s RESULTS [FOLDER] [--rename K NAME]\n"
        "       [--merge K K ... | --split K [--into N] | --labels CSV]\n"
        "       [--out DIR] [--force] [options]",
        help="merge, split or name clusters, or tell those of some pictures",
        description="Correct an earlier clustering by hand. The model is trained for a "
        "short while on what you say, and all results are written again, to another "
        "folder (--out) or in their own place (--force). Clusters go by the numbers "
        "that these results show.",
    )
    parser.add_argument(
        "-o",
        "--out",
        type=path,
        metavar="DIR",
        help="folder to write (default: RESULTS, which needs --force)",
    )
    parser.add_argument(
        "--rename",
        nargs=2,
        action="append",
        default=[],
        metavar=("K", "NAME"),
        help="give a cluster a name, '' takes it away; may be repeated, and comes "
        "before any other correction",
    )
    one = parser.add_mutually_exclusive_group()
    one.add_argument(
        "--merge",
        nargs="+",
        type=whole_number(0),
        action=_Once,
        metavar="K",
        help="make one cluster of several; it has the lowest of their numbers, and "
        "higher numbers move down",
    )
    one.add_argument(
        "--split",
        type=whole_number(0),
        action=_Once,
        metavar="K",
        help="make several clusters of one; the largest part keeps the number, the "
        "others get the next that are free",
    )
    one.add_argument(
        "--labels",
        type=path,
        action=_Once,
        metavar="CSV",
        help="table with columns file and cluster, such as some lines of clusters.csv, "
        "put right: these pictures go where it says, others follow",
    )
    parser.add_argument(
        "--into",
        type=whole_number(2),
        action=_Once,
        metavar="N",
        help="parts that --split makes (default: 2)",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    names = _checked(arguments)
    known, y = None, None
    if arguments.labels is not None:
        known = KnownClusters.read(arguments.labels)
    out = arguments.out or arguments.results
    check_results(out, force=arguments.force)
    if arguments.folder is not None:
        check_pictures(arguments.folder)

    results = read_results(arguments.results, arguments.device, quiet=arguments.quiet)
    model, reading = results.model, results.reading
    meant = [*names, *(arguments.merge or ())]
    if arguments.split is not None:
        meant.append(arguments.split)
    _check_clusters(meant, model.n_clusters_, arguments.results)
    folder = reading.place(arguments.folder)
    pictures, X = results.read(folder, arguments.device, quiet=arguments.quiet)

    had_references = model.has_references
    model.set_params(device=arguments.device, verbose=int(not arguments.quiet))
    if names:
        model.rename(names)
    if arguments.merge is not None:
        model.merge(arguments.merge, X)
    elif arguments.split is not None:
        model.split(arguments.split, X, arguments.into or 2)
    elif known is not None:
        y = known.labels(names_of(pictures, folder), model.n_clusters_)
        model.set_params(warm_start=True).fit_with_labels(X, y)
        model.set_params(warm_start=False)
    reading = replace(reading, folder=str(folder.absolute()))
    write_results(
        out,
        results._replace(reading=reading),
        pictures,
        X,
        folder,
        references=had_references,
        force=arguments.force,
        quiet=arguments.quiet,
    )
    if y is not None:
        kept, told = int((model.labels_ == y).sum()), int((y >= 0).sum())
        print(f"Of {told:,} pictures told, {kept:,} are in the cluster you say.")
    end_if_interrupted(model)


def _checked(arguments: argparse.Namespace) -> dict[int, str | None]:
    """Refuse corrections that make no sense; returns the names by cluster.

    Raises
    ------
    ValueError
    FileExistsError
        If results were to be replaced that nobody said may be.
    """
    if not arguments.rename and all(
        getattr(arguments, name) is None for name in _CORRECTIONS
    ):
        raise ValueError(
            "Nothing to correct: pass --merge, --split, --rename or --labels."
        )
    if arguments.into is not None and arguments.split is None:
        raise ValueError("--into goes with --split: it is the number of its parts.")
    if arguments.merge is not None and len(set(arguments.merge)) < 2:
        raise ValueError("--merge needs two different clusters, or more.")
    if arguments.out is None and not arguments.force:
        raise FileExistsError(
            f"The results in {str(arguments.results)!r} would be replaced: pass "
            "--force if that is meant, or name another folder by --out."
        )
    names: dict[int, str | None] = {}
    for number, name in arguments.rename:
        if not number.isdecimal():
            raise ValueError(f"--rename {number!r}: a cluster's number comes first.")
        if int(number) in names:
            raise ValueError(
                f"--rename {int(number)} comes twice: a cluster has one name."
            )
        names[int(number)] = name.strip() or None
    return names


def _check_clusters(numbers: Sequence[int], n_clusters: int, results: Path) -> None:
    """Refuse clusters that there are not, before pictures are read."""
    for number in numbers:
        if number >= n_clusters:
            raise ValueError(
                f"There is no cluster {number} in {str(results)!r}: its clusters are 0 "
                f"to {n_clusters - 1}."
            )
