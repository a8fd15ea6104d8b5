"""``deepcluster report RESULTS``: the report anew, of the same pictures or others."""

import argparse

from deepcluster_sk.cli.arguments import Commands, path, same_pictures_arguments
from deepcluster_sk.cli.output import check_output
from deepcluster_sk.cli.reading import check_pictures
from deepcluster_sk.cli.results import REPORT, read_results, report_of, shown_of
from deepcluster_sk.cli.telling import telling
from deepcluster_sk.runtime.files import write_whole


def add_parser(commands: Commands) -> None:
    """Add this command to the program's."""
    parser = commands.add_parser(
        "report",
        parents=[same_pictures_arguments()],
        help="write the report of an earlier clustering again",
        description="Write a page, to be looked at in any browser, of the model that "
        "'cluster' has written.",
    )
    parser.add_argument(
        "-o",
        "--out",
        type=path,
        metavar="HTML",
        help=f"page to write (default: {REPORT} in RESULTS)",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    page = arguments.out or arguments.results / REPORT
    check_output(page, force=arguments.force)
    if arguments.folder is not None:
        check_pictures(arguments.folder)
    results = read_results(arguments.results, arguments.device, quiet=arguments.quiet)
    folder = results.reading.place(arguments.folder)
    pictures, X = results.read(folder, arguments.device, quiet=arguments.quiet)
    with telling("reporting", quiet=arguments.quiet):
        found = results.model.assess(X, temperature=results.temperature)
        shown = shown_of(pictures, folder, results.reading)
        content = report_of(results.model, pictures, X, folder, found, shown)
    write_whole(page, content, replace=arguments.force)
    print(f"Report, for any browser: {page}")
