"""The page that `duolift view` and `duolift live` serve on this machine."""

import argparse
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from duolift.commands.arguments import add_camera, add_device, add_keypoints, add_lifter, add_placement
from duolift.commands.given import camera_of, check_device, check_lifter, lifter_of, lifting_of, options_of

if TYPE_CHECKING:
    from duolift.inputs import Options
    from duolift.scene import Scene


def add_page(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--port", type=int, default=0, help="the local port to listen on (any free one)")
    parser.add_argument("--no-browser", action="store_true", help="only print the page's address")
    parser.add_argument("--detector", metavar="NAME", help="what finds people; duolift detector list names them")
    add_placement(parser)
    add_device(parser)
    add_keypoints(parser)
    add_camera(parser)
    add_lifter(parser)


def serve_page(chosen: argparse.Namespace, scene: "Scene | None", filming: bool = False) -> None:
    """Serve the page, with a scene or with the webcam."""
    options, camera = options_of(chosen), camera_of(chosen)
    check_lifter(chosen)
    check_device(chosen)
    from duolift.detectors.registry import live_detector, load_detector
    from duolift.view.live import Live
    from duolift.view.server import serve

    lifter, given = lifter_of(chosen, chosen.device), lifting_of(chosen)
    lift_frames = partial(lifter.lift_frames, camera=camera, **given)
    lift = partial(_lift_dropped, lift_frames, options, chosen.detector)
    stature = {"stature": given["stature"]} if "stature" in given else {}
    live = Live(lifter, lambda: load_detector(chosen.detector or live_detector()), camera, **stature)
    serve(scene, lift, chosen.port, not chosen.no_browser, chosen.pictures, live, filming)


def _lift_dropped(
    lift_frames: Callable[..., Any], options: "Options", detector: str | None, source: Path
) -> "Iterator[tuple[str, Scene]]":
    """The scenes of a file or a folder that was dropped onto the page, with progress."""
    from duolift.looking import Given, with_detector

    given = Given((source,), with_detector(options, source, name=detector), (), None)
    yield from lift_frames(given.frames(source))
