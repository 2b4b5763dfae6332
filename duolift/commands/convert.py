"""`duolift convert`."""

import argparse
from pathlib import Path

from duolift.commands.arguments import add_outputs, add_pictures
from duolift.commands.scenes import check_outputs, read_scene, write_scene


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "scene", type=Path, metavar="SCENE", help="a scene that duolift wrote or its page saved: .json, .npz or .html"
    )
    add_outputs(parser)
    add_pictures(parser)


def run(chosen: argparse.Namespace) -> None:
    """Write a scene that duolift wrote in other formats"""
    read = {path.resolve() for path in (chosen.scene, chosen.pictures) if path is not None}
    check_outputs(chosen, read)
    write_scene(read_scene(chosen.scene), chosen.scene.stem, False, chosen, read, chosen.pictures)
