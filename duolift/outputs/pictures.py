"""Pictures and films (`.png`, `.gif`, `.mp4`): the image, over its photograph, and the scene from three sides."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from duolift.files import whole_file
from duolift.outputs.capsules import BodyPainter, View, capsules
from duolift.outputs.colours import colours_of
from duolift.outputs.libraries import library, needs
from duolift.outputs.photographs import Photographs
from duolift.outputs.sides import clearer_side
from duolift.outputs.tracks import rate_of
from duolift.outputs.volumes import scale_of
from duolift.progress import tracked
from duolift.scene import Scene


@dataclass(frozen=True)
class PictureStyle:
    """What pictures look like, chosen by eye."""

    inches: tuple[float, float] = (12.8, 7.2)
    dpi: int = 100  # dots an inch: 1280 by 720 pixels
    gif_dpi: int = 50  # a GIF is half as large
    gif_rate: float = 12.5  # frames a second that a GIF shows at most
    ground: float = 0.6  # metres of ground around the people
    room: float = 0.2  # metres around what people take up
    over_head: float = 0.16  # metres between the top of the head and the number's middle
    over_photograph: float = 0.62  # how thick bodies are over a photograph, so that it is still seen
    line: float = 3.0  # points, of a 2D pose
    edge: float = 1.3  # dots of the dark edge, at `dpi`
    ink: str = "#33415c"
    metre: str = "#b4bfce"  # the grid's lines, a metre apart
    half: str = "#dde2ea"  # those between
    floor: str = "#f1f4f8"
    shadow: str = "#d3d9e2"
    trunk: tuple[float, float] = (0.15, 0.13)  # radii of its shadow at the pelvis and the head, metres
    yaw: float = 27.0  # degrees, of the perspective view, to the right or to the left
    pitch: float = 15.0  # degrees
    distance: float = 2.2  # of the perspective's centre, in diagonals of what is shown


PICTURE_STYLE = PictureStyle()
TITLES = {
    "image": "2D poses",
    "scene": "the scene, a metre between strong lines",
    "side": "from the side",
    "above": "from above",
}
OVER_PHOTOGRAPH = "the scene over the photograph"
"""Title of the image where there is a photograph."""


@needs("matplotlib")
def write_png(scene: Scene, path: Path, photographs: Photographs | None = None) -> list[Path]:
    """Write a `.png` of the middle frame."""
    picture = Picture(scene, ".png", photographs=photographs)
    picture.show(len(scene.names) // 2)
    with whole_file(path) as part:
        picture.figure.savefig(part, format="png", dpi=PICTURE_STYLE.dpi)
    return [path]


@needs("matplotlib")
def write_gif(scene: Scene, path: Path, photographs: Photographs | None = None) -> list[Path]:
    """Write a `.gif` that plays at the sequence's speed in a loop; it skips frames of a sequence with a high rate."""
    image = library("PIL.Image", ".gif")
    step = max(1, round(rate_of(scene) / PICTURE_STYLE.gif_rate))
    played = Picture(scene, ".gif", PICTURE_STYLE.gif_dpi, photographs).play(step)
    pictures = [image.fromarray(pixels) for pixels in played]
    palette = pictures[len(pictures) // 2].quantize(128 if photographs is None else 256)
    frames = [picture.quantize(palette=palette, dither=image.Dither.NONE) for picture in pictures]
    with whole_file(path) as part:
        duration = round(1000 * step / rate_of(scene))
        frames[0].save(part, format="GIF", save_all=True, append_images=frames[1:], duration=duration, loop=0)
    return [path]


@needs("imageio_ffmpeg")
def write_mp4(scene: Scene, path: Path, photographs: Photographs | None = None) -> list[Path]:
    """Write an `.mp4` (H.264) of all frames."""
    ffmpeg = library("imageio_ffmpeg", ".mp4")
    picture = Picture(scene, ".mp4", photographs=photographs)
    with whole_file(path) as part:
        writer = ffmpeg.write_frames(
            str(part),
            tuple(round(side * PICTURE_STYLE.dpi) for side in PICTURE_STYLE.inches),
            fps=rate_of(scene),
            output_params=["-f", "mp4", "-movflags", "+faststart"],
            ffmpeg_log_level="error",
        )
        with suppress(OSError):  # ffmpeg has ended, which is noticed below
            writer.send(None)
            for pixels in picture.play():
                writer.send(np.ascontiguousarray(pixels))
        writer.close()
        _check_whole(ffmpeg, part, len(scene.names))
    return [path]


def _check_whole(ffmpeg: Any, path: Path, frames: int) -> None:
    """Raise OSError if a film lacks some of its frames, which ffmpeg does not always report."""
    try:
        found, _ = ffmpeg.count_frames_and_secs(str(path))
    except RuntimeError:
        found = 0
    if found < frames:
        raise OSError(f"it ends after {found} of {frames} frames: is the disk full?")


class Picture:
    """A figure that shows one frame of a scene at a time, with limits that hold for all frames.

    Args:
        scene: what is shown.
        needed_by: what needs matplotlib, for the message if it is not installed.
        dpi: dots an inch.
        photographs: what the image is drawn over.

    Raises:
        InputError: matplotlib is not installed.
    """

    def __init__(
        self, scene: Scene, needed_by: str, dpi: int = PICTURE_STYLE.dpi, photographs: Photographs | None = None
    ) -> None:
        figure = library("matplotlib.figure", needed_by)
        self._collections = library("matplotlib.collections", needed_by)
        self._canvas = library("matplotlib.backends.backend_agg", needed_by).FigureCanvasAgg
        self._image = library("PIL.Image", needed_by)
        self.scene, self.photographs = scene, photographs
        self.world = scene.world()
        self.scale = scale_of(self.world, scene.skeleton)
        self.figure = figure.Figure(figsize=PICTURE_STYLE.inches, dpi=dpi, facecolor="white")
        joints = self.world[scene.valid].reshape(-1, 3)
        low, high = (joints.min(0), joints.max(0)) if len(joints) else (np.full(3, -1.0), np.full(3, 1.0))
        self._low, self._high = np.array([low[0], min(low[1], 0.0), low[2]]), np.asarray(high)
        roots = self.world[:, :, scene.skeleton.root_index]  # (frame, person, 3)
        self._yaw = clearer_side(np.where(scene.valid[..., None], roots, np.nan), np.radians(PICTURE_STYLE.yaw))
        self._views: dict[str, View] = {
            "image": self._in_image,
            "scene": self._in_perspective,
            "side": self._from_side,
            "above": self._from_above,
        }
        self._axes = self._laid_out()
        self._set_up()
        self._photograph: Any = None
        self._frame = 0
        self._shadow = self._polygons("scene", 2.0)
        self._shadow.set_facecolor(PICTURE_STYLE.shadow)
        self._poses = self._lines() if photographs is None else None
        self._bodies = {name: self._polygons(name, 3.0) for name in self._axes}
        self._painters = {name: self._painter(name) for name in self._axes}
        self._numbers = {name: self._labels(name) for name in ("image", "scene")}
        self._title = self.figure.text(0.02, 0.952, "", fontsize=13, color=PICTURE_STYLE.ink, parse_math=False)

    def show(self, frame: int) -> None:
        """Draw a frame; the ground alone for a scene without frames."""
        names, rate = self.scene.names, self.scene.rate
        if not names:
            return
        self._frame = frame
        time = f"   {frame / rate:.2f} s" if rate else ""
        count = f"   frame {frame + 1} of {len(names)}{time}" if len(names) > 1 else ""
        self._title.set_text(f"{names[frame]}{count}")
        self._show_photograph(frame)
        seen = self.scene.seen[frame]
        if self._poses is not None:
            self._show_poses(frame)
        for name, bodies in self._bodies.items():
            if name == "image" and self._poses is not None:
                continue
            people = self.scene.people[frame] if name == "image" else self.world[frame]
            parts = self._painters[name].parts(people, seen, self._views[name])
            bodies.set_verts([outline for part in parts for outline in part.outlines])
            bodies.set_facecolor([colour for part in parts for colour in part.colours])
        for name, numbers in self._numbers.items():
            people = self.scene.people[frame] if name == "image" else self.world[frame]
            for number, pose in zip(numbers, people, strict=True):
                self._place_number(number, pose, name)
        self._shadow.set_verts(self._shadows(self.world[frame]))

    def play(self, step: int = 1) -> Iterator[NDArray[np.uint8]]:
        """Every `step`th frame as pixels (height, width, 3). What does not move is drawn once."""
        canvas = self._canvas(self.figure)
        frames = range(0, max(1, len(self.scene.names)), step)
        self.show(0)  # so that there is a photograph, if there is any
        for artist in self._moving():
            artist.set_animated(True)
        canvas.draw()
        still = canvas.copy_from_bbox(self.figure.bbox)
        for frame in tracked(frames, "drawing", len(frames)):
            self.show(frame)
            canvas.restore_region(still)
            for artist in self._moving():  # a photograph may have come
                artist.axes.draw_artist(artist) if artist.axes else self.figure.draw_artist(artist)
            yield np.asarray(canvas.buffer_rgba())[..., :3].copy()

    def _moving(self) -> list[Any]:
        """What changes from frame to frame, in the order of drawing."""
        photograph = [] if self._photograph is None else [self._photograph]
        numbers = [number for of_view in self._numbers.values() for number in of_view]
        poses = [] if self._poses is None else [self._poses]
        return [*photograph, *poses, self._shadow, *self._bodies.values(), *numbers, self._title]

    # Where things are -------------------------------------------------------------------------------------------------

    def project(self, points: NDArray[np.floating], view: str) -> NDArray[np.float64]:
        """Points as a view shows them: across, up, towards the viewer, and how large a metre is there.

        Args:
            points: (..., 3), world coordinates, or the camera's for `image`.
            view: `image`, `side`, `above`, or `scene` for the perspective.

        Returns:
            (..., 4)
        """
        return self._views[view](points)

    def _in_image(self, points: NDArray[np.floating]) -> NDArray[np.float64]:
        x, y, z = np.moveaxis(np.asarray(points, np.float64), -1, 0)
        z = np.maximum(z, 0.05)
        across, down = np.moveaxis(self.scene.pixels(np.stack([x, y, z], axis=-1), self._frame), -1, 0)
        scale = np.mean(self.scene.lens_of(self._frame).focal) / z
        return np.stack([across, -down, -z, scale], axis=-1)

    def _from_side(self, points: NDArray[np.floating]) -> NDArray[np.float64]:
        x, y, z = np.moveaxis(np.asarray(points, np.float64), -1, 0)
        return np.stack([-z, y, x, np.ones_like(x)], axis=-1)

    def _from_above(self, points: NDArray[np.floating]) -> NDArray[np.float64]:
        x, y, z = np.moveaxis(np.asarray(points, np.float64), -1, 0)
        return np.stack([x, -z, y, np.ones_like(x)], axis=-1)

    def _in_perspective(self, points: NDArray[np.floating]) -> NDArray[np.float64]:
        middle = (self._low + self._high) / 2
        yaw, pitch = self._yaw, np.radians(PICTURE_STYLE.pitch)
        x, y, z = np.moveaxis(np.asarray(points, np.float64) - middle, -1, 0)
        across, towards = np.cos(yaw) * x - np.sin(yaw) * z, np.sin(yaw) * x + np.cos(yaw) * z
        up, towards = np.cos(pitch) * y - np.sin(pitch) * towards, np.sin(pitch) * y + np.cos(pitch) * towards
        distance = PICTURE_STYLE.distance * max(3.0, float(np.linalg.norm(self._high - self._low)))
        scale = distance / np.maximum(distance - towards, 0.1 * distance)
        return np.stack([across * scale, up * scale, towards, scale], axis=-1)

    # What does not move -----------------------------------------------------------------------------------------------

    def _laid_out(self) -> dict[str, Any]:
        """The axes: the image as wide as it is, side and above below it, and the scene in all that remains."""
        (wide, tall), gap, top, bottom = PICTURE_STYLE.inches, 0.02, 0.9, 0.03
        width, height = self.scene.image
        left = float(np.clip(0.56 * (tall / wide) * width / height, 0.26, 0.5))  # of the figure's width
        high = min(0.62, left * (wide / tall) * height / width)  # the image's, of the figure's height
        low = top - high - 0.06 - bottom  # what remains below it
        half = (left - gap) / 2
        places = {
            "image": (gap, top - high, left, high),
            "scene": (left + 2 * gap, bottom, 1 - left - 3 * gap, top - bottom),
            "side": (gap, bottom, half, low),
            "above": (2 * gap + half, bottom, half, low),
        }
        return {name: self.figure.add_axes(place) for name, place in places.items()}

    def _set_up(self) -> None:
        """Draw what does not move: titles, limits and the ground's grid."""
        width, height = self.scene.image
        for name, axis in self._axes.items():
            over = name == "image" and self.photographs is not None
            axis.set_title(
                OVER_PHOTOGRAPH if over else TITLES[name], fontsize=10, color=PICTURE_STYLE.ink, loc="left", pad=4
            )
            axis.set_aspect("equal")
            axis.set(xticks=[], yticks=[])
            for spine in axis.spines.values():
                spine.set(color=PICTURE_STYLE.half)
            if name == "image":
                axis.set(xlim=(0, width), ylim=(-height, 0), facecolor=PICTURE_STYLE.floor)
            else:
                self._set_limits(name)
                self._draw_ground(name)

    def _set_limits(self, name: str) -> None:
        """As near as everybody in all frames allows, with room for their numbers."""
        axis, room = self._axes[name], PICTURE_STYLE.room
        joints = self.world[self.scene.valid].reshape(-1, 3)
        if not len(joints):
            joints = np.array([self._low, self._high])
        shown = self._views[name](joints)
        reach = room * shown[:, 3:]
        low, high = (shown[:, :2] - reach).min(0), (shown[:, :2] + reach).max(0)
        if name == "scene":
            high[1] += 0.12
        middle, half = (high + low) / 2, (high - low) / 2
        sides = axis.get_position(original=True).size * PICTURE_STYLE.inches
        half = np.maximum(half, half[::-1] * sides / sides[::-1])  # as wide as the axes are, at an equal aspect
        axis.set(xlim=(middle[0] - half[0], middle[0] + half[0]), ylim=(middle[1] - half[1], middle[1] + half[1]))

    def _draw_ground(self, name: str) -> None:
        """The floor with a line every half metre, the whole metres' stronger."""
        axis, margin = self._axes[name], PICTURE_STYLE.ground
        (x0, z0), (x1, z1) = np.floor(self._low[[0, 2]] - margin), np.ceil(self._high[[0, 2]] + margin)
        corners = np.array([(x0, 0, z0), (x1, 0, z0), (x1, 0, z1), (x0, 0, z1)])
        floor = self._views[name](corners)[:, :2]
        axis.add_collection(
            self._collections.PolyCollection([floor], facecolor=PICTURE_STYLE.floor, edgecolor="none", zorder=0.5),
            autolim=False,
        )
        for colour, between, width in ((PICTURE_STYLE.half, 0.5, 0.7), (PICTURE_STYLE.metre, 1.0, 1.0)):
            across = [((x, 0, z0), (x, 0, z1)) for x in np.arange(x0, x1 + 0.01, between)]
            along = [((x0, 0, z), (x1, 0, z)) for z in np.arange(z0, z1 + 0.01, between)]
            lines = self._views[name](np.array(across + along))[..., :2]
            grid = self._collections.LineCollection(lines, color=colour, linewidth=width, zorder=1)
            axis.add_collection(grid, autolim=False)

    # What moves -------------------------------------------------------------------------------------------------------

    def _polygons(self, name: str, zorder: float) -> Any:
        shapes = self._collections.PolyCollection([], edgecolor="none", zorder=zorder, antialiased=True)
        self._axes[name].add_collection(shapes, autolim=False)
        return shapes

    def _lines(self) -> Any:
        lines = self._collections.LineCollection([], capstyle="round", zorder=3)
        self._axes["image"].add_collection(lines, autolim=False)
        return lines

    def _show_poses(self, frame: int) -> None:
        """The 2D poses as lines, edged in white; dotted to where a joint was filled in."""
        skeleton = self.scene.skeleton
        drawn: list[tuple[Any, str, float, Any]] = []
        bones = np.stack(skeleton.bone_ends[::-1], axis=-1)  # (bone, 2): from, to
        inside = self._in_image(self.scene.people[frame])[..., :2]  # (person, joint, 2)
        detected = self.scene.keypoints[frame] * (1, -1)
        points = np.where(np.isnan(detected), inside, detected)
        for person in np.flatnonzero(np.isfinite(points).all((-1, -2))).tolist():
            known = self.scene.seen[frame, person][bones].all(-1)
            ends = points[person][bones]
            drawn += [(line, "white", PICTURE_STYLE.line + 2.2, "solid") for line in ends[known]]
            for line, sure, (child, _) in zip(ends, known, skeleton.bones, strict=True):
                colour = colours_of(person)[child.startswith("left_")]
                drawn.append((line, colour, PICTURE_STYLE.line, "solid" if sure else (0, (0.1, 1.6))))
        segments, colours, widths, styles = ([line[part] for line in drawn] for part in range(4))
        assert self._poses is not None
        self._poses.set(segments=segments, color=colours, linewidth=widths, linestyle=styles)

    def _painter(self, name: str) -> BodyPainter:
        """Draws bodies into a view, with edges as thick as in any other."""
        axis = self._axes[name]
        across = np.diff(axis.get_xlim())[0] / (axis.get_position(original=True).width * PICTURE_STYLE.inches[0])
        thin = PICTURE_STYLE.over_photograph if name == "image" and self.photographs is not None else 1.0
        return BodyPainter(self.scene.skeleton, thin * self.scale, PICTURE_STYLE.edge * across / PICTURE_STYLE.dpi)

    def _labels(self, name: str) -> list[Any]:
        """A number for everybody, not yet placed."""
        return [
            self._axes[name].text(
                0,
                0,
                str(identity),
                color="white",
                fontsize=9 if name == "scene" else 7.5,
                fontweight="bold",
                ha="center",
                va="center",
                clip_on=True,
                zorder=5,
                bbox={"boxstyle": "circle,pad=0.25", "facecolor": colours_of(person)[0], "edgecolor": "white"},
            )
            for person, identity in enumerate(self.scene.identities)
        ]

    def _place_number(self, number: Any, pose: NDArray[np.floating], name: str) -> None:
        """Above the person's head, whichever way that is up in the picture."""
        number.set_visible(bool(np.isfinite(pose).all()))
        if number.get_visible():
            top = self._views[name](pose)
            highest = top[np.argmax(top[:, 1])]
            number.set_position((highest[0], highest[1] + PICTURE_STYLE.over_head * highest[3]))

    def _show_photograph(self, frame: int) -> None:
        pixels = None if self.photographs is None else self.photographs.of(frame)
        if pixels is not None:
            axis, (width, height) = self._axes["image"], self.scene.image
            across = round(axis.get_position(original=True).width * PICTURE_STYLE.inches[0] * self.figure.dpi)
            small = self._image.fromarray(pixels)
            small.thumbnail((across, 4 * across))
            shown = np.asarray(small)
            if self._photograph is None:
                extent = (0, width, -height, 0)
                self._photograph = axis.imshow(shown, extent=extent, aspect="auto", zorder=1, interpolation="bilinear")
                axis.set_aspect("equal")
                axis.set(xlim=(0, width), ylim=(-height, 0))
            else:
                self._photograph.set_data(shown)
        if self._photograph is not None:
            self._photograph.set_visible(pixels is not None)

    def _shadows(self, people: NDArray[np.floating]) -> list[NDArray[np.float64]]:
        """Everybody's shadow straight below them on the ground, in perspective."""
        present = np.flatnonzero(np.isfinite(people).all((-1, -2)))
        flat, scale = people[present][..., [0, 2]].astype(np.float64), self.scale[present, None]
        skeleton, of = self.scene.skeleton, self._painters["scene"].limbs
        pairs = [(limb.start, limb.end, *limb.radii) for limb in of]
        pairs.append((skeleton.root_index, skeleton.head_index, *PICTURE_STYLE.trunk))
        starts, ends, first, second = zip(*pairs, strict=True)
        outlines = capsules(flat[:, starts], flat[:, ends], scale * np.array(first), scale * np.array(second))
        on_ground = np.stack([outlines[..., 0], np.zeros(outlines.shape[:-1]), outlines[..., 1]], axis=-1)
        return [*self._in_perspective(on_ground)[..., :2].reshape(-1, outlines.shape[-2], 2)]
