"""The camera of an image or a video, as far as a user knows it."""

from dataclasses import dataclass

from duolift.networks.people_lifter import DETECTOR_NOISE


@dataclass(frozen=True)
class Camera:
    """What people are seen through, and by how static a camera.

    Attributes:
        focal: pixels; None takes what the detections say, else what the people in the images tell.
        image: width and height in pixels; None takes what the detections say.
        static: the frames of a video are a static camera's.
        rate: frames a second.
        noise: deviation of the detector's joints, head lengths.
    """

    focal: float | None = None
    image: tuple[float, float] | None = None
    static: bool = True
    rate: float | None = None
    noise: float = DETECTOR_NOISE
