"""A scene: people before one camera, frame by frame. Lifting makes it, every output is written from it.

Nothing here imports PyTorch, so that scene files are read and drawn quickly. What needs a library that is not always
installed imports it when it is called.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from duolift.body.skeleton import Skeleton
from duolift.calibration.lens import Lens, by_lens
from duolift.errors import InputError
from duolift.geometry.interpolation import interpolate_gaps
from duolift.geometry.level import level_axes

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from pandas import DataFrame

PER_PERSON = ("people", "by_paper", "seen", "confidence", "deviation", "distance_deviation", "keypoints")
"""Fields of a `Scene` with axes (frame, person)."""


@dataclass(frozen=True, eq=False)
class Reference:
    """How another world becomes a scene's: turned, scaled and moved.

    Attributes:
        source: the file whose world it is.
        unit: metres of its unit.
        rotation: (3, 3), from its axes to the scene's.
        translation: (3,), metres.

    >>> metres = Reference("camera.json", 0.01, np.eye(3), np.array([0.0, 1.0, 0.0]))
    >>> metres.of(np.array([[100.0, 0.0, 0.0]]))
    array([[1., 1., 0.]])
    """

    source: str
    unit: float
    rotation: NDArray[np.float64]
    translation: NDArray[np.float64]

    def of(self, points: NDArray[np.floating]) -> NDArray[np.float64]:
        """Points (..., 3) of the other world in the scene's."""
        return np.asarray(self.unit * (points @ self.rotation.T) + self.translation)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Reference):
            return NotImplemented
        return all(_same(getattr(self, field.name), getattr(other, field.name)) for field in fields(Reference))

    __hash__ = None  # type: ignore[assignment]  # arrays can change


@dataclass(frozen=True, eq=False)
class Scene:
    """People before one camera, frame by frame.

    Lengths are metres as far as people are of average stature, since an image does not tell sizes. Positions are in
    **camera coordinates**: x right, y down, z forward, the camera at the origin. `world` turns them into **world
    coordinates**: x right, y up, z towards the camera, the origin on the ground straight below the camera. Of a camera
    that was calibrated (`--camera`), they are those of its file, with y up and the ground at 0: see `reference`.

    Two scenes are equal if all of their fields are, where NaN equals NaN. Scenes have no hash.

    Attributes:
        skeleton: of everybody; `skeleton.joints` names the joint axis.
        names: (frame,), names of the images.
        identities: (person,), whole numbers that tell people apart.
        people: (frame, person, joint, 3), camera coordinates; NaN for a person who is not in a frame.
        by_paper: (frame, person, joint, 3), the same people placed as in the paper.
        seen: (frame, person, joint), True where the detector saw a joint, False where it was filled in.
        confidence: (frame, person), of a person's place, from 0 to 1; 0 for a person who is not in a frame.
        deviation: (frame, person, joint), how far off a joint is expected to be in its body, metres; NaN for a person
            who is not in a frame, and where the lifter does not say.
        distance_deviation: (frame, person), how far off a person's distance from the camera is expected to be, metres;
            NaN as above.
        tilt_deviation: (frame,), how far off the camera's tilt is expected to be, degrees; NaN where it was given, or
            nothing is said.
        up: (frame, 3), unit vector against gravity, camera coordinates.
        height: (frame,), of the camera above the ground.
        keypoints: (frame, person, joint, 2), the 2D pose that was lifted, pixels; NaN where the detector saw nothing.
        image: width and height of the images in pixels.
        focal: focal length in pixels.
        focal_source: where it comes from: `known`, `people` (estimated from them) or `default`.
        rate: frames a second; None for images that stand alone.
        notes: what was assumed or is doubtful, in words.
        heading: (frame,), radians by which the camera is turned about the vertical, to the left, from looking along -z;
            0 throughout where the world is the camera's own.
        place: (frame, 2), x and z of the camera in the world; 0 as above.
        lenses: (frame,), or one for all frames; empty for an ideal lens of `focal`, in the middle of the image.
        reference: how the world of a calibration becomes the scene's; None where the world is the camera's own.

    >>> scene = Scene.example()
    >>> scene
    Scene(4 frames, 2 people, paper19, focal 1000 px (default), 25 frames/s)
    >>> scene.people.shape
    (4, 2, 19, 3)
    >>> head = scene.skeleton.index("head_top")
    >>> round(float(scene.world()[0, 0, head, 1]), 2)  # metres above the ground
    1.72
    """

    skeleton: Skeleton
    names: tuple[str, ...]
    identities: tuple[int, ...]
    people: NDArray[np.float32]
    by_paper: NDArray[np.float32]
    seen: NDArray[np.bool_]
    confidence: NDArray[np.float32]
    deviation: NDArray[np.float32]
    distance_deviation: NDArray[np.float32]
    tilt_deviation: NDArray[np.float32]
    up: NDArray[np.float32]
    height: NDArray[np.float32]
    keypoints: NDArray[np.float32]
    image: tuple[float, float]
    focal: float
    focal_source: str
    rate: float | None = None
    notes: tuple[str, ...] = ()
    heading: NDArray[np.float32] = None  # type: ignore[assignment]
    place: NDArray[np.float32] = None  # type: ignore[assignment]
    lenses: tuple[Lens, ...] = ()
    reference: Reference | None = None

    def __post_init__(self) -> None:
        for name, shape in (("heading", ()), ("place", (2,))):
            if getattr(self, name) is None:  # the dataclass is frozen
                object.__setattr__(self, name, np.zeros((len(self.names), *shape), np.float32))

    # Making scenes ----------------------------------------------------------------------------------------------------

    @classmethod
    def example(cls) -> "Scene":
        """Two people in four frames, made up: to try the outputs without a lifter. The second misses one frame.

        >>> Scene.example().valid.tolist()
        [[True, True], [True, False], [True, True], [True, True]]
        """
        from duolift.example import example_scene  # which imports this module

        return example_scene()

    @classmethod
    def load(cls, path: Path | str) -> "Scene":
        """Read a scene that was saved as `.json`, `.npz` or `.html`.

        Raises:
            InputError: no such file, another suffix, or anything in it that docs/scene.md does not allow.
        """
        from duolift.outputs import read  # the outputs import this module

        return read(path)

    def save(self, path: Path | str, pictures: Path | str | None = None, *, rig: str | None = None) -> list[Path]:
        """Write the scene in the format of the path's suffix, such as `.json`, `.html` or `.bvh`: whole or not at all.

        Args:
            path: of the file.
            pictures: the picture, folder of pictures or film that the people were seen in, which pages, pictures and
                films are drawn over.
            rig: whose names and hierarchy the bones of `.bvh` and `.glb` have: `duolift` (the default), whose bones are
                called as the joints, `mixamo` or `cmu`.

        Returns:
            The files written: one, or one a person (`scene-1.bvh`, `scene-2.bvh`, by identity).

        Raises:
            InputError: an unknown suffix (the message names all that are known), a library that is not installed, or a
                place that cannot be written to.

        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     files = Scene.example().save(f"{folder}/scene.bvh")
        ...     saved = Scene.example().save(f"{folder}/scene.npz")[0]
        ...     Scene.load(saved) == Scene.example()
        True
        >>> [file.name for file in files]
        ['scene-1.bvh', 'scene-2.bvh']
        """
        from duolift.outputs import write  # the outputs import this module

        return write(self, path, pictures) if rig is None else write(self, path, pictures, rig=rig)

    def select(self, people: Sequence[int]) -> Self:
        """Some of the people, by their position on the person axis, in all frames.

        >>> Scene.example().select([1]).identities
        (2,)
        """
        chosen = {name: getattr(self, name)[:, list(people)] for name in PER_PERSON}
        return replace(self, identities=tuple(self.identities[i] for i in people), **chosen)

    def interpolated(self, largest_gap: int) -> Self:
        """People who are absent for up to `largest_gap` frames move in a straight line between the frames around.

        Their confidence stays 0 there, and none of their joints counts as seen. Frames without anybody stay so: there
        nothing says that people were there.

        >>> Scene.example().interpolated(largest_gap=1).valid.all()
        np.True_
        """

        moves = bool(np.ptp(self.heading).any() or np.ptp(self.place, axis=0).any()) if len(self.names) else False

        def filled(people: NDArray[np.float32]) -> NDArray[np.float32]:
            points = self.world(people) if moves else people
            tracks = points.copy()
            for person in range(len(self.identities)):
                tracks[:, person] = interpolate_gaps(points[:, person], largest_gap)
            if moves:
                tracks = to_camera(tracks, self.up, self.height, self.heading, self.place)
                tracks[self.valid] = people[self.valid]
            tracks[~self.valid.any(1)] = np.nan
            return tracks

        return replace(self, people=filled(self.people), by_paper=filled(self.by_paper))

    # What is in them --------------------------------------------------------------------------------------------------

    @property
    def valid(self) -> NDArray[np.bool_]:
        """(frame, person), whether a person is in a frame."""
        return np.asarray(np.isfinite(self.people).all((-1, -2)))

    @property
    def person_deviation(self) -> NDArray[np.float32]:
        """How far off a body's joints are expected to be, metres, (frame, person): the root mean square of `deviation`.

        Of real detections it tells better than their mean whose body is wrong (docs/real.md). NaN for a person who is
        not in a frame.

        >>> Scene.example().person_deviation.shape
        (4, 2)
        """
        return np.sqrt(np.square(self.deviation).mean(-1))

    def world(self, people: NDArray[np.floating] | None = None) -> NDArray[np.float32]:
        """People in world coordinates: x right, y up, z towards the camera, the origin on the ground below the camera.

        The axes follow the heading of the frame's camera: of a moving camera that was not calibrated, every frame has
        its own. Of one that was, they are those of its file's world.

        Args:
            people: (frame, person, joint, 3), camera coordinates, such as `by_paper`; None takes `people`.

        Returns:
            (frame, person, joint, 3), metres; NaN for a person who is not in a frame.
        """
        axes = headed(self.heading) @ world_axes(self.up)
        points = np.einsum("fij,fpkj->fpki", axes, self.people if people is None else people)
        points += self.camera_places[:, None, None]
        return points.astype(np.float32)

    @property
    def camera_places(self) -> NDArray[np.float64]:
        """(frame, 3), where the camera is in world coordinates.

        >>> Scene.example().camera_places[0].round(2)
        array([0. , 1.6, 0. ])
        """
        return camera_places(self.height, self.place)

    def pixels(self, points: NDArray[np.floating], frame: int | None = None) -> NDArray[np.float64]:
        """Where points are seen in the images, (..., 2), pixels.

        Args:
            points: (frame, ..., 3), camera coordinates; (..., 3) of one frame.
            frame: which; None for all.

        >>> scene = Scene.example()
        >>> bool(np.nanmax(np.abs(scene.pixels(scene.people) - scene.keypoints)) < 0.01)
        True
        """
        if len(self.lenses) > 1 and frame is None:
            found = np.empty((*np.shape(points)[:-1], 2))
            for lens, frames in by_lens(self.lenses).items():
                found[frames] = lens.pixels(np.asarray(points)[frames])
            return found
        return self.lens_of(frame or 0).pixels(points)

    def lens_of(self, frame: int) -> Lens:
        """The lens of a frame.

        >>> Scene.example().lens_of(0)
        Lens(focal=(1000.0, 1000.0), principal=(640.0, 360.0), distortion=(), model='opencv')
        """
        if not self.lenses:
            return Lens((self.focal, self.focal), (self.image[0] / 2, self.image[1] / 2))
        return self.lenses[frame if len(self.lenses) > 1 else 0]

    def to_dataframe(self) -> "DataFrame":
        """A pandas table with a row for every joint of every person in every frame; absent people have no rows.

        Columns:
            frame: from 0.
            time: seconds, only where the scene has a `rate`.
            name: of the image.
            person: the identity.
            joint: its name.
            x, y, z: metres, **world** coordinates (y up, see `world`).
            sigma: standard deviation of x, of y and of z that agrees with `deviation`, metres.
            visible: False where the joint was filled in.
            confidence: of the person's place in the frame.
            deviation: how far off the joint is expected to be in its body, metres.

        Raises:
            InputError: pandas is not installed.

        >>> table = Scene.example().to_dataframe()
        >>> [*table.columns]
        ['frame', 'time', 'name', 'person', 'joint', 'x', 'y', 'z', 'sigma', 'visible', 'confidence', 'deviation']
        >>> len(table)  # 4 frames of the first person and 3 of the second, 19 joints each
        133
        """
        from duolift.outputs.table import to_dataframe  # the outputs import this module

        return to_dataframe(self)

    # Showing them -----------------------------------------------------------------------------------------------------

    def plot(self, frame: int | None = None, pictures: Path | str | None = None) -> "Figure":
        """Draw a frame: the 2D poses, the scene in perspective, from the side and from above.

        Args:
            frame: from 0; negative numbers count from the end. None takes the middle one.
            pictures: the picture, folder of pictures or film that the people were seen in; instead of the 2D poses,
                the people are then drawn over it.

        Returns:
            A matplotlib figure, apart from `pyplot`: `figure.savefig("scene.png")`; in a notebook, `%matplotlib inline`
            shows it.

        Raises:
            InputError: matplotlib is not installed, or there is no such frame.

        >>> figure = Scene.example().plot(0)
        >>> [axes.get_title("left") for axes in figure.axes]
        ['2D poses', 'the scene, a metre between strong lines', 'from the side', 'from above']
        """
        from duolift.outputs.photographs import Photographs
        from duolift.outputs.pictures import Picture  # matplotlib is imported where it is drawn

        count = len(self.names)
        if frame is None:
            frame = count // 2
        elif not -count <= frame < count:
            raise InputError(f"frame is {frame}; expected {-count} to {count - 1}, since the scene has {count} frames")
        photographs = None if pictures is None else Photographs(Path(pictures), self.names)
        picture = Picture(self, "plot()", photographs=photographs)
        picture.show(frame % count if count else 0)
        return picture.figure

    def summary(self) -> dict[str, str]:
        """The scene in a few words, by title.

        >>> Scene.example().summary()["frames"]
        '4 frames'
        """
        frames, people = len(self.names), len(self.identities)
        return {
            "frames": f"{frames} frame{'s' * (frames != 1)}",
            "people": f"{people} {'person' if people == 1 else 'people'}",
            "skeleton": self.skeleton.name,
            "focal": f"focal {self.focal:.0f} px ({self.focal_source})",
            "rate": f"{self.rate:g} frames/s" if self.rate else "single images",
        }

    def __repr__(self) -> str:
        return f"Scene({', '.join(self.summary().values())})"

    def _repr_html_(self) -> str:
        """What a notebook shows, see `duolift.outputs.notebook`."""
        from duolift.outputs.notebook import to_html  # the outputs import this module

        return to_html(self)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Scene):
            return NotImplemented
        return all(_same(getattr(self, field.name), getattr(other, field.name)) for field in fields(Scene))

    __hash__ = None  # type: ignore[assignment]  # arrays can change
    __array_ufunc__ = None  # an array is not compared with a scene number by number


def world_axes(up: NDArray[np.floating]) -> NDArray[np.float64]:
    """The axes of world coordinates (right, up, towards the camera) as rows, in camera coordinates.

    A camera that looks straight up or down keeps its own x axis, see `duolift.geometry.level`.

    Args:
        up: (..., 3), of any length but 0, camera coordinates.

    Returns:
        (..., 3, 3), rotations from camera to world coordinates.

    >>> world_axes(np.array([0.0, -1.0, 0.0])) @ [1.0, 2.0, 3.0]  # of a level camera: y and z are turned round
    array([ 1., -2., -3.])
    """
    up = np.asarray(up, np.float64)
    up = up / np.linalg.norm(up, axis=-1, keepdims=True)
    right_down_ahead = level_axes(up, np)  # (..., 3, 3)
    return right_down_ahead * np.array([[1.0], [-1.0], [-1.0]])


def headed(heading: NDArray[np.floating]) -> NDArray[np.float64]:
    """Turns about the vertical (frame, 3, 3), from the axes of a camera's own heading to those of the world.

    >>> headed(np.array([np.pi / 2]))[0].round(3) @ [0.0, 0.0, -1.0]  # what is ahead of a camera that turned left
    array([-1.,  0.,  0.])
    """
    cos, sin = np.cos(np.asarray(heading, np.float64)), np.sin(np.asarray(heading, np.float64))
    turn = np.zeros((len(cos), 3, 3))
    turn[:, 1, 1] = 1.0
    turn[:, 0, 0] = turn[:, 2, 2] = cos
    turn[:, 0, 2], turn[:, 2, 0] = sin, -sin
    return turn


def camera_places(height: NDArray[np.floating], place: NDArray[np.floating]) -> NDArray[np.float64]:
    """Where cameras are in world coordinates, (frame, 3), by heights (frame,) and places (frame, 2) on the ground.

    >>> camera_places(np.array([1.6]), np.array([[2.0, 3.0]]))
    array([[2. , 1.6, 3. ]])
    """
    return np.stack([place[:, 0], height, place[:, 1]], axis=-1).astype(np.float64)


def to_camera(
    world: NDArray[np.floating],
    up: NDArray[np.floating],
    height: NDArray[np.floating],
    heading: NDArray[np.floating] | None = None,
    place: NDArray[np.floating] | None = None,
) -> NDArray[np.float32]:
    """People from world to camera coordinates, the inverse of `Scene.world`.

    Args:
        world: (frame, person, joint, 3), metres.
        up: (frame, 3), camera coordinates.
        height: (frame,), of the camera above the ground.
        heading: (frame,), radians, see `Scene`; None for 0.
        place: (frame, 2), of the camera; None for 0.

    Returns:
        (frame, person, joint, 3)
    """
    heading = np.zeros(len(up)) if heading is None else heading
    place = np.zeros((len(up), 2)) if place is None else place
    from_camera = np.asarray(world, np.float64) - camera_places(height, place)[:, None, None]
    return np.einsum("fji,fpkj->fpki", headed(heading) @ world_axes(up), from_camera).astype(np.float32)


def _same(one: Any, other: Any) -> bool:
    """Whether two fields of scenes are equal, NaN taken for equal to NaN."""
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        one, other = np.asarray(one), np.asarray(other)
        return np.array_equal(one, other, equal_nan=one.dtype.kind == other.dtype.kind == "f")
    return bool(one == other)
