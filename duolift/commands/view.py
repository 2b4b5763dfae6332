"""`duolift view`."""

import argparse
from pathlib import Path

from duolift.commands.page import add_page, serve_page
from duolift.commands.scenes import read_scene


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("scene", nargs="?", type=Path, help="a scene, .json, .npz or .html; an empty page without it")
    add_page(parser)


def run(chosen: argparse.Namespace) -> None:
    """Show a scene on a local page, which also lifts files that are dropped onto it"""
    serve_page(chosen, None if chosen.scene is None else read_scene(chosen.scene))
