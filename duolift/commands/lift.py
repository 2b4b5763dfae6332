"""`duolift lift`."""

import argparse
import re
import sys
from collections.abc import Iterator
from itertools import chain, count
from pathlib import Path
from typing import TypeVar

from duolift.commands.arguments import (
    add_camera,
    add_device,
    add_keypoints,
    add_lifter,
    add_outputs,
    add_placement,
)
from duolift.commands.given import camera_of, check_device, check_lifter, lifter_of, lifting_of, options_of
from duolift.commands.scenes import check_outputs, names_go_to, write_scene

Scened = TypeVar("Scened")
"""A scene, and what comes with it."""

LONGEST_LABEL = 80
"""Characters of an image's name that are kept in the name of its scene's file: file systems allow 255 bytes."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "inputs",
        nargs="+",
        metavar="INPUT",
        help="a picture, a film, a file of 2D keypoints, a folder of these, - for keypoints on stdin, or webcam:0, "
        "which is recorded until it is interrupted",
    )
    add_outputs(parser)
    _add_detection(parser)
    add_placement(parser)
    add_device(parser)
    add_keypoints(parser)
    add_camera(parser)
    add_lifter(parser)


def _add_detection(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("pictures and films", "A detector finds the people in them.")
    group.add_argument("--detector", metavar="NAME", help="which detector; duolift detector list names them")
    group.add_argument(
        "--keypoints",
        type=Path,
        metavar="FILE",
        help="keep what the detector finds, as COCO's annotations (.json); nothing that it holds is looked for again, "
        "so that an interrupted command goes on where it was",
    )
    group.add_argument(
        "--every",
        type=int,
        metavar="N",
        help="look at every Nth frame of films alone, and lift these: detection takes an Nth of the time, and the "
        "rate is told so; without it all are lifted, and as many looked at as people's movements need; 1 looks at all",
    )


def run(chosen: argparse.Namespace) -> None:
    """Lift people in pictures, films or keypoints to 3D, in one shared scene"""
    from duolift.files.webcams import webcam_number
    from duolift.inputs import check_source
    from duolift.looking import given

    options, camera = options_of(chosen), camera_of(chosen)
    for source in chosen.inputs:
        if webcam_number(source) is None:
            check_source(source)
    read = _files_read(chosen)
    check_outputs(chosen, read)
    check_lifter(chosen)
    check_device(chosen)
    with given(chosen.inputs, options, chosen.detector, chosen.keypoints) as found:
        lifter = lifter_of(chosen, chosen.device)
        scenes = (
            (name, (source, scene))
            for source in found.sources
            for name, scene in lifter.lift_frames(found.frames(source), camera, **lifting_of(chosen))
        )
        for name, several, (source, scene) in named(scenes):
            write_scene(scene, name, several, chosen, read, chosen.pictures or found.pictures(source, scene.names))
            for note in () if chosen.quiet else scene.notes:
                print(f"note: {f'{name}: ' if several else ''}{note}", file=sys.stderr)
        if found.record is not None and not chosen.quiet:
            print(chosen.keypoints, file=names_go_to(chosen))


def _files_read(chosen: argparse.Namespace) -> set[Path]:
    """The files that a command reads."""
    from duolift.files.signatures import PICTURE_SUFFIXES
    from duolift.files.webcams import webcam_number
    from duolift.inputs.sources import files_of

    files = [file for source in chosen.inputs if webcam_number(source) is None for file in files_of(source)]
    pictures = chosen.pictures or Path()
    if chosen.pictures is not None and pictures.is_dir():
        files += [file for file in pictures.iterdir() if file.suffix.lower() in PICTURE_SUFFIXES]
    return {file.resolve() for file in (*files, *filter(None, [chosen.checkpoint, chosen.pictures, chosen.camera]))}


def named(scenes: Iterator[tuple[str, Scened]]) -> Iterator[tuple[str, bool, Scened]]:
    """Every scene with a name for its files that no other has, and whether there are several."""
    taken: set[str] = set()
    held, several = next(scenes), False
    for following in chain(scenes, [None]):
        several = several or following is not None
        plain = re.sub(r"[^\w.-]+", "_", Path(held[0]).stem)[:LONGEST_LABEL].strip("_.") or "scene"
        names = (plain if number == 1 else f"{plain}-{number}" for number in count(1))
        name = next(name for name in names if name not in taken)
        taken.add(name)
        yield name, several, held[1]
        if following is not None:
            held = following
