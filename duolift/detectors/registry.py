"""The detectors by name. A detector is one file, and one entry here."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec

from duolift.bounds import nearest
from duolift.detectors import mediapipe, rtmpose
from duolift.detectors.blazepose import BlazePose, BlazePoseFull
from duolift.detectors.cache import is_installed, path_of
from duolift.detectors.interface import Detector
from duolift.detectors.mediapipe import MediaPipe
from duolift.detectors.models import BLAZEPOSE_FULL, BLAZEPOSE_HEAVY, MULTIPOSE, Model
from duolift.detectors.movenet import MoveNet
from duolift.detectors.rtmpose import RTMPose
from duolift.errors import InputError, install

LITERT = ("ai_edge_litert", install("detect"))
"""The library that networks are run by, and what to type to install it."""


@dataclass(frozen=True)
class DetectorKind:
    """A detector that can be loaded.

    Attributes:
        title: what it is, in words.
        joints: the name of the order of its joints.
        models: the files that it runs.
        load: what makes it; raises InputError where something is lacking.
        needs: the library that it runs on, and what to type to install it.
    """

    title: str
    joints: str
    models: tuple[Model, ...]
    load: Callable[[], Detector]
    needs: tuple[str, str] = LITERT

    def lacking(self) -> str:
        """What is lacking before it can be loaded, in words; empty where nothing is."""
        library, how = self.needs
        if find_spec(library) is None:
            return f"needs {library}: {how}"
        absent = [model for model in self.models if not is_installed(model)]
        return "its networks are not installed" if absent else ""


_MULTI_AND_FULL, _MULTI_AND_HEAVY = (MULTIPOSE, BLAZEPOSE_FULL), (MULTIPOSE, BLAZEPOSE_HEAVY)

DETECTORS: dict[str, DetectorKind] = {
    one.name: DetectorKind(title, one.joints, models, one, needs)
    for one, title, models, needs in (
        (BlazePose, "BlazePose's most exact network on each person that MoveNet finds", _MULTI_AND_HEAVY, LITERT),
        (BlazePoseFull, "BlazePose's middle network on each person that MoveNet finds", _MULTI_AND_FULL, LITERT),
        (MoveNet, "MoveNet MultiPose, everybody at once, without feet", (MULTIPOSE,), LITERT),
        (RTMPose, "RTMPose by rtmlib, which downloads its networks itself", (), ("rtmlib", rtmpose.INSTALL)),
        (MediaPipe, "MediaPipe's pose landmarker", (), ("mediapipe", mediapipe.INSTALL)),
    )
}
"""Name -> detector."""

DEFAULT_DETECTOR = BlazePose.name
"""What is used unless told otherwise."""

LIVE_DETECTOR = BlazePoseFull.name
"""What is used before a webcam, where four times as many frames are worth more than a pixel or two of each joint."""


def live_detector() -> str:
    """Name of the one for a webcam; the default one where that for a webcam is not installed.

    >>> live_detector() in (LIVE_DETECTOR, DEFAULT_DETECTOR)
    True
    """
    return DEFAULT_DETECTOR if DETECTORS[LIVE_DETECTOR].lacking() else LIVE_DETECTOR


def load_detector(name: str | None = None) -> Detector:
    """A detector that is ready to use.

    Args:
        name: one of `DETECTORS`; None for the default.

    Raises:
        InputError: there is none of that name, or what it needs is not installed; the message says what to type.

    >>> load_detector("movnet")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    duolift.errors.InputError: detector 'movnet' is unknown (did you mean movenet?); expected one of blazepose, ...
    """
    return ready(DEFAULT_DETECTOR if name is None else name).load()


def ready(name: str) -> DetectorKind:
    """The detector of that name, whose networks are there. Raises InputError as `load_detector`."""
    kind = kind_named(name)
    for model in kind.models:
        if not is_installed(model):
            which = "" if name == DEFAULT_DETECTOR else f" {name}"
            raise InputError(f"{path_of(model)}: no such file; expected: duolift detector install{which}")
    return kind


def kind_named(name: str) -> DetectorKind:
    """The detector of that name, which is not loaded. Raises InputError where there is none."""
    if name not in DETECTORS:
        raise InputError(
            f"detector {name!r} is unknown{nearest(name, [*DETECTORS])}; expected one of {', '.join(DETECTORS)}"
        )
    return DETECTORS[name]
