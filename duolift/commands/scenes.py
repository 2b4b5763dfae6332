"""Scenes that commands read and write."""

import argparse
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING

from duolift.commands.given import given_of
from duolift.errors import InputError
from duolift.progress import Step

if TYPE_CHECKING:
    from duolift.scene import Scene


def check_outputs(chosen: argparse.Namespace, read: set[Path]) -> None:
    """Raises InputError for outputs that cannot be written, or that are read, and for a rig that none has a use for."""
    from duolift.outputs import RIGGED
    from duolift.outputs.destinations import STDOUT, check_destination, is_folder, paths_of
    from duolift.outputs.rigs import check_rig

    for output in chosen.output:
        lacking = check_destination(output)
        for note in () if chosen.quiet else lacking:
            print(f"note: {output} goes without one of its files: {note}", file=sys.stderr)
        if output != STDOUT and not is_folder(output):
            check_not_read(Path(output), read)
    if chosen.rig is None:
        return
    check_rig(chosen.rig)
    paths = [path for output in chosen.output for path in paths_of(output, "scene", several=False)]
    if not any(path.name.lower().endswith(RIGGED) for path in paths):
        raise InputError(f"--rig {chosen.rig}: no output has bones; expected one of {', '.join(RIGGED)}")


def check_not_read(output: Path, read: set[Path]) -> None:
    """Raises InputError where an output would be written over what is read."""
    if output.resolve() in read:
        raise InputError(f"{output}: is read as well, and would be overwritten; expected another place to write to")


def write_scene(
    scene: "Scene", name: str, several: bool, chosen: argparse.Namespace, read: set[Path], pictures: Path | None
) -> None:
    """Write a scene to all outputs, and print the files' names: on standard error where JSON goes to standard out."""
    from duolift.outputs import DRAWN_OVER, write
    from duolift.outputs.destinations import STDOUT, paths_of
    from duolift.outputs.document import to_json
    from duolift.outputs.photographs import Photographs, doubts

    paths = [path for output in chosen.output for path in paths_of(output, name, several)]
    drawn_over = {path.suffix.lower() for path in paths} & {*DRAWN_OVER}
    photographs = Photographs(pictures, scene.names) if pictures is not None and drawn_over else None
    for path in paths:
        check_not_read(path, read)
        with Step(f"writing {path.name}"):
            files = write(scene, path, photographs, **given_of(chosen, "rig"))
        for file in () if chosen.quiet else files:
            print(file, file=names_go_to(chosen))
    for note in () if chosen.quiet or photographs is None else doubts(photographs, scene.image):
        print(f"note: {note}", file=sys.stderr)
    if STDOUT in chosen.output:
        print(to_json(scene), flush=True)


def names_go_to(chosen: argparse.Namespace) -> IO[str]:
    """Where the names of files that were written go."""
    from duolift.outputs.destinations import STDOUT

    return sys.stderr if STDOUT in chosen.output else sys.stdout


def read_scene(path: Path) -> "Scene":
    """The scene of a file. Raises InputError for any other file, and says what to do with a detector's."""
    from duolift.inputs.media import held_in, is_media
    from duolift.inputs.sources import holds_keypoints
    from duolift.outputs import read

    try:
        return read(path)
    except InputError as error:
        media = path.exists() and is_media(path)
        if path.is_dir() or media or holds_keypoints(path):
            held = f"is {held_in(path)}" if media else "holds a detector's keypoints"
            raise InputError(
                f"{path}: {held}; expected a scene: first duolift lift {path} -o scene.json, "
                "then duolift view scene.json"
            ) from error
        raise
