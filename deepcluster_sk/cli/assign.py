"""``deepcluster assign RESULTS FOLDER``: clusters of pictures that were not fitted."""

import argparse

from deepcluster_sk.cli.arguments import Commands, path, results_arguments, table_path
from deepcluster_sk.cli.output import check_output, write_or_rescue
from deepcluster_sk.cli.reading import check_pictures
from deepcluster_sk.cli.results import ASSIGNED, read_results, table_of
from deepcluster_sk.cli.telling import telling


def add_parser(commands: Commands) -> None:
    """Add this command to the program's."""
    parser = commands.add_parser(
        "assign",
        parents=[results_arguments()],
        help="label other pictures by an earlier clustering",
        description="Find the cluster of every picture in a folder by the model that "
        "'cluster' has written. Pictures are read as those of the fit were.",
    )
    parser.add_argument(
        "folder", type=path, metavar="FOLDER", help="folder or zip file of pictures"
    )
    parser.add_argument(
        "-o",
        "--out",
        type=table_path,
        metavar="CSV",
        help=f"table to write (default: {ASSIGNED} in RESULTS)",
    )
    parser.add_argument(
        "--outliers",
        action="store_true",
        help="put pictures that look like none of those fitted on into cluster -1; "
        "needs results of 'cluster --references'",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    table = arguments.out or arguments.results / ASSIGNED
    check_output(table, force=arguments.force)
    check_pictures(arguments.folder)
    results = read_results(arguments.results, arguments.device, quiet=arguments.quiet)
    model = results.model
    if arguments.outliers and not model.has_references:
        raise ValueError(
            f"The model in {str(arguments.results)!r} holds nothing to tell outliers "
            "by: cluster again with --references, which keeps it."
        )
    pictures, X = results.read(
        arguments.folder, arguments.device, quiet=arguments.quiet
    )
    with telling("assigning", quiet=arguments.quiet):
        found = model.assess(X, temperature=results.temperature)
        labels = model.predict(X, outliers=arguments.outliers)
        content = table_of(model, pictures, arguments.folder, found, labels)
    write_or_rescue(table, content, force=arguments.force)
    print(f"Clusters of {len(labels):,} pictures: {table}")
    if arguments.outliers:
        print(f"Outliers, in cluster -1: {int((labels < 0).sum()):,}")
