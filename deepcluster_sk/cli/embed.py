"""``deepcluster embed RESULTS``: the learned features of pictures, as a table."""

import argparse

from deepcluster_sk.cli.arguments import Commands, same_pictures_arguments, table_path
from deepcluster_sk.cli.output import check_output, features_table, write_or_rescue
from deepcluster_sk.cli.reading import check_pictures
from deepcluster_sk.cli.results import EMBEDDED, read_results
from deepcluster_sk.cli.telling import telling


def add_parser(commands: Commands) -> None:
    """Add this command to the program's."""
    parser = commands.add_parser(
        "embed",
        parents=[same_pictures_arguments()],
        help="write the learned features of pictures",
        description="Write where pictures lie in the latent space of the model that "
        "'cluster' has written: a table with a column for each dimension.",
    )
    parser.add_argument(
        "-o",
        "--out",
        type=table_path,
        metavar="CSV",
        help=f"table to write (default: {EMBEDDED} in RESULTS)",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    table = arguments.out or arguments.results / EMBEDDED
    check_output(table, force=arguments.force)
    if arguments.folder is not None:
        check_pictures(arguments.folder)
    results = read_results(arguments.results, arguments.device, quiet=arguments.quiet)
    folder = results.reading.place(arguments.folder)
    pictures, X = results.read(folder, arguments.device, quiet=arguments.quiet)
    names = [file.relative_to(folder) for file in pictures.paths]
    with telling("embedding", quiet=arguments.quiet):
        content = features_table(names, results.model.transform(X).tolist())
    write_or_rescue(table, content, force=arguments.force)
    print(f"Features of {len(names):,} pictures: {table}")
