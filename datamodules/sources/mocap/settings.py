"""How motion capture becomes a data set: `data.mocap` of a run."""

from dataclasses import dataclass, field
from typing import Annotated

from duolift.bounds import Interval, NotNegative, OneOf, Positive, check_bounds


@dataclass(frozen=True)
class VirtualCameras:
    """What the cameras of a stretch are drawn from, evenly within each range.

    Attributes:
        count: cameras of every stretch, round the people.
        elevation_deg: how steeply a camera looks down on people; negative looks up at them from below.
        roll_deg: about the line of sight.
        field_of_view_deg: from the left to the right edge of the picture.
        distance: of the people's middle along the line of sight, metres; it follows from the field of view and `fill`.
        fill: how far out of the picture's centre the outermost joint of the stretch is seen, 1 at the edge.
        off_centre: how far beside the people's middle a camera aims at most, metres, along either axis of the picture.
        clearance: how far in front of the camera every joint is at least, metres.
        image: width and height of the pictures, pixels.

    >>> VirtualCameras(distance=[5.0, 2.0])
    Traceback (most recent call last):
    ...
    ValueError: distance is [5.0, 2.0]; expected two numbers between 0.1 and 1000, the lower one first
    """

    count: Positive[int] = 4
    elevation_deg: Annotated[list[float], Interval(-89, 89)] = field(default_factory=lambda: [-15.0, 60.0])
    roll_deg: Annotated[list[float], Interval(-180, 180)] = field(default_factory=lambda: [-10.0, 10.0])
    field_of_view_deg: Annotated[list[float], Interval(1, 170)] = field(default_factory=lambda: [25.0, 100.0])
    distance: Annotated[list[float], Interval(0.1, 1000)] = field(default_factory=lambda: [1.5, 20.0])
    fill: Annotated[list[float], Interval(0.01, 1)] = field(default_factory=lambda: [0.6, 0.95])
    off_centre: NotNegative[float] = 0.2
    clearance: Positive[float] = 0.7
    image: list[int] = field(default_factory=lambda: [1280, 960])

    def __post_init__(self) -> None:
        check_bounds(self)
        if len(self.image) != 2 or min(self.image) < 1:
            raise ValueError(f"image is {self.image}; expected width and height in pixels")


@dataclass(frozen=True)
class MocapConfig:
    """How captures are read, thinned, cut and filmed.

    Attributes:
        rate: frames a second that are kept, at most; neighbouring frames teach nothing.
        metres_per_unit: of the files' lengths; None for what `JOINT_TABLES` says of the files' convention.
        up: the axis of the files that points up.
        amc_rate: frames a second of AMC files, which do not say it; the CMU database's are 120.
        longest: seconds of a stretch, at most. Cameras stand still for a stretch; the next one has others.
        spread: how far apart along either axis of the ground pelvises are within a stretch, metres, at most; more only
            where several people are further apart in one frame.
        people: in a scene, where captures are of one person each: so many of a subject's are set down together. With 1
            everybody stays alone, which is enough for `data.extra`; evaluation scores scenes of two people or more.
        apart: least and largest distance of people who are set down together, metres.
        seed: of the cameras, and of who is set down with whom.
        cameras: the cameras that film it.
    """

    rate: Positive[float] = 10.0
    metres_per_unit: Positive[float] | None = None
    up: Annotated[str, OneOf(("y", "z"))] = "y"
    amc_rate: Positive[float] = 120.0
    longest: Positive[float] = 8.0
    spread: Positive[float] = 2.0
    people: Positive[int] = 2
    apart: Annotated[list[float], Interval(0, 100)] = field(default_factory=lambda: [0.8, 2.0])
    seed: NotNegative[int] = 0
    cameras: VirtualCameras = field(default_factory=VirtualCameras)

    def __post_init__(self) -> None:
        check_bounds(self)
