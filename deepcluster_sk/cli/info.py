"""``deepcluster info RESULTS``: what an earlier clustering was."""

import argparse

from deepcluster_sk.cli.arguments import Commands, debug_argument, path
from deepcluster_sk.cli.results import read_results


def add_parser(commands: Commands) -> None:
    """Add this command to the program's."""
    parser = commands.add_parser(
        "info",
        parents=[debug_argument()],
        help="tell what an earlier clustering was",
        description="Tell how the model that 'cluster' has written was fitted, and how "
        "its pictures were read.",
    )
    parser.add_argument("results", type=path, metavar="RESULTS")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    model, reading, _, features = read_results(arguments.results, "cpu")
    colours = "colour" if reading.is_colour else "grey"
    depth = "8 bits" if reading.dtype == "uint8" else "more than 8 bits"
    side = f"{reading.side}x{reading.side} pixels"
    print(f"{'pictures from:':<23}{reading.folder}")
    print(f"{'read as:':<23}{colours}, {side}, {depth} a channel")
    if features is not None:
        print(f"{'features by:':<23}{features.settings['model']}")
    outliers = "can be told" if model.has_references else "cannot be told"
    print(f"{'outliers:':<23}{outliers}")
    print(model.summary())
