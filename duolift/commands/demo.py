"""`duolift demo`."""

import argparse
from pathlib import Path

from duolift.progress import Step


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "folder", nargs="?", type=Path, default=Path("duolift-demo"), help="where to write to (duolift-demo)"
    )
    parser.add_argument("--no-browser", action="store_true", help="only write the files")


def run(chosen: argparse.Namespace) -> None:
    """Lift an example that comes with the package, and open it in the browser"""
    from duolift.camera import Camera
    from duolift.demo import FOCAL, RATE, write_keypoints

    keypoints, page = write_keypoints(chosen.folder), chosen.folder / "scene.html"
    scenes = [chosen.folder / "scene.json", page]
    from duolift.predictor import Lifter

    with Step("lifting", at_once=True):
        scene = Lifter.load().lift_file(keypoints, Camera(focal=FOCAL, rate=RATE))
    for path in scenes:
        scene.save(path)
    outputs = " ".join(f"-o {path}" for path in scenes)
    print(f"{keypoints} is what a 2D detector has written of a video of two people. This lifts it, as was just done:\n")
    print(f"  duolift lift {keypoints} {outputs} --focal {FOCAL:g} --rate {RATE:g}\n")
    print(f"open {page} in a browser" if chosen.no_browser or not _opened(page) else f"{page} opens in the browser")


def _opened(page: Path) -> bool:
    """Whether a browser was found and told to open a file."""
    import webbrowser

    return webbrowser.open(page.resolve().as_uri())
