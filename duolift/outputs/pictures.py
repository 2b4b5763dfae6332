"""Pictures and films (`.png`, `.gif`, `.mp4`): the 2D poses, and the scene in perspective, from the side and above."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from duolift.files import whole_file
from duolift.outputs.colours import colours_of
from duolift.outputs.libraries import library
from duolift.outputs.tracks import rate_of
from duolift.progress import tracked
from duolift.scene import Scene


@dataclass(frozen=True)
class PictureStyle:
    """What pictures look like, chosen by eye."""

    inches: tuple[float, float] = (12.8, 7.2)
    dpi: int = 100  # dots an inch: 1280 by 720 pixels
    gif_dpi: int = 50  # a GIF is half as large
    gif_rate: float = 12.5  # frames a second that a GIF shows at most
    margin: float = 0.4  # metres around the people
    ink: str = "#33415c"
    pale: str = "#d5d9e0"
    shadow: str = "#e6e8ec"
    yaw: float = 30.0  # degrees, of the perspective view
    pitch: float = 16.0  # degrees
    distance: float = 2.2  # of the perspective's centre, in diagonals of what is shown


PICTURE_STYLE = PictureStyle()


def write_png(scene: Scene, path: Path) -> list[Path]:
    """Write a `.png` of the middle frame."""
    picture = Picture(scene, ".png")
    picture.show(len(scene.names) // 2)
    with whole_file(path) as part:
        picture.figure.savefig(part, format="png", dpi=PICTURE_STYLE.dpi)
    return [path]


def write_gif(scene: Scene, path: Path) -> list[Path]:
    """Write a `.gif` that plays at the sequence's speed in a loop; it skips frames of a sequence with a high rate."""
    image = library("PIL.Image", ".gif")
    step = max(1, round(rate_of(scene) / PICTURE_STYLE.gif_rate))
    pictures = [image.fromarray(pixels) for pixels in Picture(scene, ".gif", PICTURE_STYLE.gif_dpi).play(step)]
    palette = pictures[len(pictures) // 2].quantize(128)
    frames = [picture.quantize(palette=palette, dither=image.Dither.NONE) for picture in pictures]
    with whole_file(path) as part:
        duration = round(1000 * step / rate_of(scene))
        frames[0].save(part, format="GIF", save_all=True, append_images=frames[1:], duration=duration, loop=0)
    return [path]


def write_mp4(scene: Scene, path: Path) -> list[Path]:
    """Write an `.mp4` (H.264) of all frames."""
    ffmpeg = library("imageio_ffmpeg", ".mp4")
    picture = Picture(scene, ".mp4")
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

    Raises:
        InputError: matplotlib is not installed.
    """

    def __init__(self, scene: Scene, needed_by: str, dpi: int = PICTURE_STYLE.dpi) -> None:
        figure = library("matplotlib.figure", needed_by)
        self._collections = library("matplotlib.collections", needed_by)
        self._canvas = library("matplotlib.backends.backend_agg", needed_by).FigureCanvasAgg
        self.scene = scene
        self.world = scene.world()
        self.figure = figure.Figure(figsize=PICTURE_STYLE.inches, dpi=dpi, facecolor="white")
        joints = self.world[scene.valid].reshape(-1, 3)
        low, high = (joints.min(0), joints.max(0)) if len(joints) else (np.full(3, -1.0), np.full(3, 1.0))
        margin = PICTURE_STYLE.margin
        self._low = np.array([low[0] - margin, min(low[1], 0.0), low[2] - margin])
        self._high = high + np.array([margin, margin / 2, margin])
        grid = self.figure.add_gridspec(2, 5, left=0.02, right=0.98, bottom=0.03, top=0.9, wspace=0.08, hspace=0.12)
        self._axes = {
            "image": self.figure.add_subplot(grid[:, :2]),
            "scene": self.figure.add_subplot(grid[:, 2:4]),
            "side": self.figure.add_subplot(grid[0, 4]),
            "above": self.figure.add_subplot(grid[1, 4]),
        }
        self._lines = {name: self._empty(axis) for name, axis in self._axes.items()}
        self._shade = self._empty(self._axes["scene"])
        self._shade.set(color=PICTURE_STYLE.shadow, linewidth=4.0, zorder=2)
        self._title = self.figure.text(0.02, 0.95, "", fontsize=13, color=PICTURE_STYLE.ink, parse_math=False)
        self._set_up()

    def show(self, frame: int) -> None:
        """Draw a frame; the ground alone for a scene without frames."""
        names, rate = self.scene.names, self.scene.rate
        if not names:
            return
        time = f"   {frame / rate:.2f} s" if rate else ""
        self._title.set_text(f"{names[frame]}   frame {frame + 1} of {len(names)}{time}")
        for name, lines in self._lines.items():
            points = self.scene.keypoints[frame] if name == "image" else self.project(self.world[frame], name)
            segments, colours, widths, styles = self._sticks(points, frame, 3.2 if name in ("image", "scene") else 1.8)
            lines.set(segments=segments, color=colours, linewidth=widths, linestyle=styles)
        self._shade.set_segments(self._shadows(self.world[frame]))

    def play(self, step: int = 1) -> Iterator[NDArray[np.uint8]]:
        """Every `step`th frame as pixels (height, width, 3)."""
        canvas = self._canvas(self.figure)
        frames = range(0, max(1, len(self.scene.names)), step)
        for frame in tracked(frames, "drawing", len(frames), joining=True):
            self.show(frame)
            canvas.draw()
            yield np.asarray(canvas.buffer_rgba())[..., :3].copy()

    def project(self, points: NDArray[np.floating], view: str) -> NDArray[np.float64]:
        """Points as a view shows them: across, up, and towards the viewer.

        Args:
            points: (..., 3), world coordinates.
            view: `side`, `above`, or `scene` for the perspective.

        Returns:
            (..., 3)
        """
        x, y, z = np.moveaxis(np.asarray(points, np.float64), -1, 0)
        if view == "side":
            return np.stack([-z, y, x], axis=-1)
        if view == "above":
            return np.stack([x, -z, y], axis=-1)
        middle = (self._low + self._high) / 2
        yaw, pitch = np.radians((PICTURE_STYLE.yaw, PICTURE_STYLE.pitch))
        x, y, z = x - middle[0], y - middle[1], z - middle[2]
        across, towards = np.cos(yaw) * x - np.sin(yaw) * z, np.sin(yaw) * x + np.cos(yaw) * z
        up, towards = np.cos(pitch) * y - np.sin(pitch) * towards, np.sin(pitch) * y + np.cos(pitch) * towards
        distance = PICTURE_STYLE.distance * float(np.linalg.norm(self._high - self._low))
        scale = distance / (distance - towards)
        return np.stack([across * scale, up * scale, towards], axis=-1)

    def _empty(self, axis: Any) -> Any:
        lines = self._collections.LineCollection([], capstyle="round", zorder=3)
        axis.add_collection(lines, autolim=False)
        axis.set(xticks=[], yticks=[])
        for spine in axis.spines.values():
            spine.set(color=PICTURE_STYLE.pale)
        return lines

    def _set_up(self) -> None:
        """Draw what does not move: titles, limits and the ground's grid."""
        width, height = self.scene.image
        titles = {"image": "2D poses", "scene": "the scene", "side": "from the side", "above": "from above"}
        for name, axis in self._axes.items():
            axis.set_title(titles[name], fontsize=10, color=PICTURE_STYLE.ink)
            axis.set_aspect("equal")
            if name == "image":
                axis.set(xlim=(0, width), ylim=(height, 0), facecolor="#f4f5f7")
                continue
            (x0, _, z0), (x1, top, z1) = self._low, self._high
            across = [((x, 0, z0), (x, 0, z1)) for x in np.linspace(x0, x1, 1 + max(1, round((x1 - x0) / 0.5)))]
            along = [((x0, 0, z), (x1, 0, z)) for z in np.linspace(z0, z1, 1 + max(1, round((z1 - z0) / 0.5)))]
            grid = self.project(np.array(across + along), name)[..., :2]
            axis.add_collection(
                self._collections.LineCollection(grid, color=PICTURE_STYLE.pale, linewidth=0.8, zorder=1)
            )
            corners = np.array([(x, y, z) for x in (x0, x1) for y in (self._low[1], top) for z in (z0, z1)])
            shown = self.project(corners, name)[:, :2]
            middle, half = (shown.max(0) + shown.min(0)) / 2, np.ptp(shown, axis=0) / 2
            sides = axis.get_position(original=True).size * PICTURE_STYLE.inches
            half = np.maximum(half, half[::-1] * sides / sides[::-1])  # as wide as the axes are, at an equal aspect
            (left, bottom), (right, top) = middle - half, middle + half
            axis.set(xlim=(left, right), ylim=(bottom, top))

    def _sticks(self, points: NDArray[np.floating], frame: int, width: float) -> tuple[list, list, list, list]:
        """Bones as lines, the nearest person last and edged in white; dotted where an end was filled in.

        Returns:
            Segments, colours, line widths and line styles, one a line.
        """
        skeleton = self.scene.skeleton
        ends, starts = skeleton.bone_ends
        drawn: list[tuple[Any, str, float, Any]] = []
        depth = points[..., 2].mean(-1) if points.shape[-1] == 3 else np.zeros(len(points))
        for person in np.argsort(depth, kind="stable"):
            bones = points[person][np.stack([starts, ends], axis=-1), :2]
            seen = self.scene.seen[frame, person]
            shown = [number for number, bone in enumerate(bones) if np.isfinite(bone).all()]
            drawn += [(bones[number], "white", width + 2.4, "solid") for number in shown]
            for number in shown:
                colour = colours_of(int(person))[skeleton.bones[number][0].startswith("left")]
                style = "solid" if seen[ends[number]] and seen[starts[number]] else (0, (0.1, 1.6))
                drawn.append((bones[number], colour, width, style))
        segments, colours, widths, styles = ([line[part] for line in drawn] for part in range(4))
        return segments, colours, widths, styles

    def _shadows(self, people: NDArray[np.floating]) -> list[NDArray[np.float64]]:
        """The shadows of bones, straight below them on the ground, in perspective."""
        bones = people[:, np.stack(self.scene.skeleton.bone_ends, axis=-1)].reshape(-1, 2, 3)
        bones = bones[np.isfinite(bones).all((-1, -2))]
        return list(self.project(bones * (1.0, 0.0, 1.0), "scene")[..., :2])
