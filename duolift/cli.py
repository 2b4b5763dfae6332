"""The command `duolift`: lift pictures, films and files of 2D keypoints, view scenes, export the lifter.

>>> main(["lift", "missing.json", "-o", "scene.json"])  # the message goes to standard error
2
"""

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

from duolift import __version__
from duolift.commands import completion, convert, demo, detector, export, lift, live, view
from duolift.errors import InputError
from duolift.progress import shown

COMMANDS = {
    "demo": demo,
    "lift": lift,
    "view": view,
    "live": live,
    "convert": convert,
    "export": export,
    "detector": detector,
    "completion": completion,
}
"""Name -> the module that adds its arguments and runs it; the first line of `run`'s docstring is its help."""

EXAMPLES = """examples:
  duolift demo                                       two people greet each other, lifted and opened in the browser
  duolift lift photo.jpg -o scene.html               a picture, or several
  duolift lift film.mp4 -o film.bvh                  a film
  duolift lift keypoints.json -o scene.html          a file of any supported detector
  duolift lift openpose-frames/ -o film.bvh --rate 30
  duolift lift a.json b.json -o out/                 of every scene a page, JSON, GLB and CSV
  cat results.json | duolift lift - -o - > scene.json
  duolift view scene.json                            without a scene: a page to drop files onto
  duolift live                                       the webcam, lifted while it films
  duolift convert scene.json -o film.bvh             a scene that is there already, in another format
  duolift export lifter.onnx
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: of the command line; None takes the process's own.

    Returns:
        The exit code: 0, 2 for bad input after one line on standard error, or 130 when interrupted.
    """
    parser = command_parser()
    first = next(iter(sys.argv[1:] if arguments is None else arguments), "")
    if first not in COMMANDS and Path(first).suffix and Path(first).exists():
        parser.error(f"{first} is no command; expected one before it: duolift lift {first} -o scene.html")
    chosen = parser.parse_args(arguments)
    try:
        with nullcontext() if getattr(chosen, "quiet", False) else shown():
            chosen.run(chosen)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # whoever reads our output has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return 0


def command_parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    parser = argparse.ArgumentParser(
        prog="duolift",
        description="3D people in one shared scene from 2D poses alone.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(metavar="command", required=True)
    for name, module in COMMANDS.items():
        summary = (module.run.__doc__ or "").split("\n")[0]
        command = commands.add_parser(name, help=summary, description=summary)
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    return parser
