"""`duolift export`."""

import argparse
from pathlib import Path

from duolift.commands.arguments import add_lifter
from duolift.commands.given import check_lifter, lifter_of
from duolift.progress import Step


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("output", type=Path, metavar="OUTPUT", help=".onnx, or .pt2 for torch.export")
    add_lifter(parser)


def run(chosen: argparse.Namespace) -> None:
    """Export the lifter for other programs, as ONNX or torch.export"""
    check_lifter(chosen)
    from duolift.export import export

    with Step("exporting", at_once=True):
        apart = export(lifter_of(chosen).people, chosen.output)
    print(f"{chosen.output}, within {1000 * apart:.4f} mm of the lifter")
