"""From a command's arguments to what the library takes, and the checks that need nothing of torch."""

import argparse
import re
from typing import TYPE_CHECKING, Any

from duolift.errors import InputError

if TYPE_CHECKING:
    from duolift.camera import Camera
    from duolift.inputs import Options
    from duolift.predictor import Lifter

DEVICE = "[a-z]+(:[0-9]+)?"
"""Names of devices, as a regular expression: a kind, and which of them."""


def options_of(chosen: argparse.Namespace) -> "Options":
    """The options of the group "keypoints", and of the camera what a file may say as well."""
    from duolift.inputs import Options

    names = ("format", "joints", "threshold", "video", "track", "strict", "image", "focal", "pictures")
    return Options(**given_of(chosen, *names, *(["every"] if "every" in chosen else [])))


def camera_of(chosen: argparse.Namespace) -> "Camera":
    """The camera as far as the command line describes it."""
    from duolift.camera import Camera

    known = given_of(chosen, "image", "focal", "rate", "noise", "tilt")
    known |= {"static": not chosen.moving, "smooth": not chosen.frame_by_frame}
    if chosen.camera is not None:
        return Camera.load(chosen.camera, chosen.camera_name, chosen.world, **known)
    for option in ("camera_name", "world"):
        if getattr(chosen, option) is not None:
            raise InputError(f"--{option.replace('_', '-')} is of a file of cameras; expected --camera FILE with it")
    return Camera(**known)


def lifting_of(chosen: argparse.Namespace) -> dict[str, Any]:
    """How people are placed, who, and how tall they are, as `Lifter` takes it."""
    from duolift.placement.stature import Statures

    given = given_of(chosen, "placement", "people")
    if chosen.height:
        told = dict(chosen.height)
        given["stature"] = Statures(told.pop(None, None), told)
    return given


def lifter_of(chosen: argparse.Namespace, device: str | None = None) -> "Lifter":
    from duolift.predictor import Lifter

    return Lifter.load(chosen.checkpoint, device)


def check_lifter(chosen: argparse.Namespace) -> None:
    """Raises InputError where the lifter's file is not there."""
    if chosen.checkpoint is not None and not chosen.checkpoint.exists():
        raise InputError(f"{chosen.checkpoint}: no such file; expected a trained lifter, .safetensors")


def check_device(chosen: argparse.Namespace) -> None:
    """Raises InputError where the device is named as none is; whether it is there, torch knows."""
    if chosen.device is not None and not re.fullmatch(DEVICE, chosen.device):
        raise InputError(f"--device {chosen.device!r} is no device; expected a name such as cpu, cuda or cuda:1")


def given_of(chosen: argparse.Namespace, *names: str) -> dict[str, Any]:
    """Those of some arguments that were given; what was not is left to the defaults of whoever takes them."""
    return {name: getattr(chosen, name) for name in names if getattr(chosen, name) is not None}
