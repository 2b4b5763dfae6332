"""The command `duolift`: lift a detector's files, look at scenes, export the lifter.

Nothing heavy is imported before a command has been chosen and its arguments read.
"""

import argparse
import os
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain, count, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from duolift import __version__
from duolift.errors import InputError

if TYPE_CHECKING:
    from duolift.camera import Camera
    from duolift.inputs import Frame, Options
    from duolift.predictor import Lifter
    from duolift.scene import Scene

LONGEST_LABEL = 80
"""Characters of an image's name that are kept in its scene's file's name."""

EXAMPLES = """examples:
  duolift lift keypoints.json -o scene.html          one file, whatever detector wrote it
  duolift lift openpose-frames/ -o film.bvh --rate 30
  cat results.json | duolift lift - -o scene.json --focal 1200
  duolift view scene.json                            or an empty page to drop files onto
  duolift export lifter.onnx
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit code. Bad input is one line and code 2."""
    parser = argparse.ArgumentParser(
        prog="duolift",
        description="3D people in one shared space from 2D poses alone.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(metavar="command", required=True)
    for name, add, run in (
        ("lift", _lift_arguments, _lift),
        ("view", _view_arguments, _view),
        ("export", _export_arguments, _export),
    ):
        summary = (run.__doc__ or "").split("\n")[0]
        command = commands.add_parser(name, help=summary, description=summary)
        add(command)
        command.set_defaults(run=run)
    chosen = parser.parse_args(arguments)
    try:
        chosen.run(chosen)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    return 0


def _lifter_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--checkpoint", type=Path, metavar="FILE", help="a lifter of your own, .safetensors")


def _file_arguments(parser: argparse.ArgumentParser) -> None:
    """What a detector's file does not say."""
    parser.add_argument("--format", metavar="NAME", help="how the file is laid out; recognised by its content")
    parser.add_argument("--joints", metavar="NAME", help="which joints it holds, such as coco or body25; recognised")
    parser.add_argument("--threshold", type=float, metavar="C", help="joints of less confidence are not seen (0.3)")
    parser.add_argument("--image", type=_size, metavar="WxH", help="the images' size, pixels")
    parser.add_argument("--focal", type=float, metavar="PX", help="focal length, pixels; else the people tell it")
    parser.add_argument("--pictures", type=Path, metavar="PATH", help="the pictures: their size, EXIF's focal length")
    parser.add_argument("--rate", type=float, metavar="HZ", help="frames a second of a video (30)")
    parser.add_argument("--noise", type=float, metavar="H", help="the detector's error, in head lengths (0.02)")
    parser.add_argument("--moving", action="store_true", help="the camera of a video moves")
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--video", action="store_const", const=True, help="all frames are of one video")
    kind.add_argument("--images", dest="video", action="store_const", const=False, help="every frame stands alone")


def _lift_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "inputs", nargs="+", metavar="INPUT", help="a detector's file, a folder of them, or - for stdin"
    )
    parser.add_argument(
        "-o",
        "--output",
        action="append",
        required=True,
        type=Path,
        metavar="OUTPUT",
        help=".json .npz .html .bvh .trc .c3d .glb .png .gif .mp4 .rrd; may be given several times",
    )
    _lifter_arguments(parser)
    _file_arguments(parser)


def _lift(chosen: argparse.Namespace) -> None:
    """People of a detector's files in one space"""
    from duolift.outputs import check_suffix, write
    from duolift.progress import Step

    for output in chosen.output:
        check_suffix(output)
    options, view = _options(chosen)
    lifter = _lifter(chosen)
    scenes = lifter.lift_frames(_counted(_frames(chosen.inputs, options)), view)
    for label, scene in _labelled(scenes):
        for output in chosen.output:
            path = output.with_name(f"{output.stem}-{label}{output.suffix}") if label else output
            with Step(f"writing {path.name}"):
                files = write(scene, path)
            for file in files:
                print(file)
        for note in scene.notes:
            print(f"note: {f'{label}: ' if label else ''}{note}", file=sys.stderr)


def _frames(inputs: Sequence[str], options: "Options") -> Iterator["Frame"]:
    """The frames of all inputs."""
    from duolift.inputs import read

    for source in inputs:
        yield from read(source, options)


def _counted(frames: Iterator["Frame"]) -> Iterator["Frame"]:
    """The frames, and how many of them have been lifted. Raises InputError where there is none."""
    from duolift.progress import tracked

    some = False
    for frame in tracked(frames, "frames"):
        some = True
        yield frame
    if not some:
        raise InputError("the input holds no frame; expected at least one image's people")


def _labelled(scenes: Iterator[tuple[str, "Scene"]]) -> Iterator[tuple[str, "Scene"]]:
    """Every scene with what its file's name has in addition: nothing where there is but one, else a name of its own."""
    taken: set[str] = set()
    held, several = next(scenes), False
    for following in chain(scenes, [None]):
        several = several or following is not None
        name = re.sub(r"[^\w.-]+", "_", Path(held[0]).stem)[:LONGEST_LABEL].strip("_.") or "scene"
        names = (name if number == 1 else f"{name}-{number}" for number in count(1))
        label = next(name for name in names if name not in taken)
        taken.add(label)
        yield label if several else "", held[1]
        if following is not None:
            held = following


def _view_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("scene", nargs="?", type=Path, help="a scene, .json or .npz; none opens an empty page")
    parser.add_argument("--port", type=int, default=0, help="to listen on, for this computer alone (any free one)")
    parser.add_argument("--no-browser", action="store_true", help="only say where the page is")
    _lifter_arguments(parser)
    _file_arguments(parser)


def _view(chosen: argparse.Namespace) -> None:
    """A local page that shows a scene, and lifts files that are dropped onto it"""
    import tempfile

    from duolift.inputs import read
    from duolift.outputs import read as read_scene
    from duolift.view.server import file_name, serve

    options, view = _options(chosen)
    lifter = _lifter(chosen)

    def lift(content: bytes, name: str) -> "Scene":
        """The first video or image of a file; a note says where there are others."""
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / file_name(name)
            file.write_bytes(content)
            try:
                scenes = [scene for _, scene in islice(lifter.lift_frames(read(file, options), view), 2)]
            except InputError as error:
                raise InputError(str(error).replace(f"{folder}{os.sep}", "")) from error
        if not scenes:
            raise InputError(f"{file.name}: no frame in it; expected at least one image")
        others = ("the file holds others as well: this is its first",) if len(scenes) > 1 else ()
        return replace(scenes[0], notes=(*scenes[0].notes, *others))

    scene = None if chosen.scene is None else read_scene(chosen.scene)
    serve(scene, lift, chosen.port, not chosen.no_browser)


def _export_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("output", type=Path, metavar="OUTPUT", help=".onnx, or .pt2 for torch.export")
    _lifter_arguments(parser)


def _export(chosen: argparse.Namespace) -> None:
    """The lifter for other programs, images to people, as ONNX or torch.export"""
    from duolift.export import export
    from duolift.progress import Step

    with Step("exporting", at_once=True):
        apart = export(_lifter(chosen).people, chosen.output)
    print(f"{chosen.output}, within {1000 * apart:.4f} mm of the lifter")


def _lifter(chosen: argparse.Namespace) -> "Lifter":
    from duolift.predictor import Lifter

    return Lifter.load(chosen.checkpoint)


def _options(chosen: argparse.Namespace) -> tuple["Options", "Camera"]:
    """What the command line says of files and cameras, and the rest by default."""
    from duolift.camera import Camera
    from duolift.inputs import Options

    def given(*names: str) -> dict[str, Any]:
        return {name: getattr(chosen, name) for name in names if getattr(chosen, name) is not None}

    options = Options(**given("format", "joints", "threshold", "video", "image", "focal", "pictures"))
    return options, Camera(static=not chosen.moving, **given("image", "focal", "rate", "noise"))


def _size(text: str) -> tuple[float, float]:
    width, height = text.lower().split("x")
    return float(width), float(height)


if __name__ == "__main__":
    sys.exit(main())
