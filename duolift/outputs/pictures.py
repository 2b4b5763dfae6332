"""A quick look, or a film: the image's poses, and the scene in perspective, from the side and from above."""

from collections.abc import Iterator
from contextlib import suppress
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

SIZE, DPI = (12.8, 7.2), 100
"""Inches, and pixels an inch: 1280 by 720."""

GIF_DPI, GIF_RATE = 50, 12.5
"""A GIF is half as large, and shows at most so many frames a second."""

EITHER_WAY = np.array([-1.0, 1.0])

MARGIN = 0.4
"""Metres around the people."""

INK, PALE, SHADE = "#33415c", "#d5d9e0", "#e6e8ec"


def write_png(reconstruction: Scene, path: Path) -> list[Path]:
    """Write a `.png` of the middle frame."""
    picture = Picture(reconstruction, ".png")
    picture.show(len(reconstruction.names) // 2)
    with whole_file(path) as part:
        picture.figure.savefig(part, format="png", dpi=DPI)
    return [path]


def write_gif(reconstruction: Scene, path: Path) -> list[Path]:
    """Write a `.gif` that plays at the sequence's speed, over and over; where frames come too fast, some of them."""
    image = library("PIL.Image", ".gif")
    step = max(1, round(rate_of(reconstruction) / GIF_RATE))
    pictures = [image.fromarray(p) for p in Picture(reconstruction, ".gif", GIF_DPI).play(step)]
    colours = pictures[len(pictures) // 2].quantize(128)
    frames = [p.quantize(palette=colours, dither=image.Dither.NONE) for p in pictures]
    with whole_file(path) as part:
        duration = round(1000 * step / rate_of(reconstruction))
        frames[0].save(part, format="GIF", save_all=True, append_images=frames[1:], duration=duration, loop=0)
    return [path]


def write_mp4(reconstruction: Scene, path: Path) -> list[Path]:
    """Write an `.mp4` (H.264) of all frames."""
    ffmpeg = library("imageio_ffmpeg", ".mp4")
    picture = Picture(reconstruction, ".mp4")
    with whole_file(path) as part:
        writer = ffmpeg.write_frames(
            str(part),
            tuple(round(side * DPI) for side in SIZE),
            fps=rate_of(reconstruction),
            output_params=["-f", "mp4", "-movflags", "+faststart"],
            ffmpeg_log_level="error",
        )
        with suppress(OSError):  # ffmpeg has ended
            writer.send(None)
            for frame in picture.play():
                writer.send(np.ascontiguousarray(frame))
        writer.close()
        _check_whole(ffmpeg, part, len(reconstruction.names))
    return [path]


def _check_whole(ffmpeg: Any, path: Path, frames: int) -> None:
    """Raises OSError where a film lacks some of its frames, of which ffmpeg does not always tell."""
    try:
        found, _ = ffmpeg.count_frames_and_secs(str(path))
    except RuntimeError:
        found = 0
    if found < frames:
        raise OSError(f"it ends after {found} of {frames} frames: is the disk full?")


class Picture:
    """A figure of one frame at a time, whose limits hold for all of them."""

    def __init__(self, reconstruction: Scene, suffix: str, dpi: int = DPI) -> None:
        figure = library("matplotlib.figure", suffix)
        self._collections = library("matplotlib.collections", suffix)
        self._canvas = library("matplotlib.backends.backend_agg", suffix).FigureCanvasAgg
        self.reconstruction = reconstruction
        self.scene = reconstruction.scene()
        self.figure = figure.Figure(figsize=SIZE, dpi=dpi, facecolor="white")
        joints = self.scene[reconstruction.present].reshape(-1, 3)
        low, high = (joints.min(0), joints.max(0)) if len(joints) else (np.full(3, -1.0), np.full(3, 1.0))
        self._low = np.array([low[0] - MARGIN, min(low[1], 0.0), low[2] - MARGIN])
        self._high = high + np.array([MARGIN, MARGIN / 2, MARGIN])
        grid = self.figure.add_gridspec(2, 5, left=0.02, right=0.98, bottom=0.03, top=0.9, wspace=0.08, hspace=0.12)
        self._axes = {
            "image": self.figure.add_subplot(grid[:, :2]),
            "scene": self.figure.add_subplot(grid[:, 2:4]),
            "side": self.figure.add_subplot(grid[0, 4]),
            "above": self.figure.add_subplot(grid[1, 4]),
        }
        self._lines = {name: self._empty(axis) for name, axis in self._axes.items()}
        self._shade = self._empty(self._axes["scene"])
        self._shade.set(color=SHADE, linewidth=4.0, zorder=2)
        self._title = self.figure.text(0.02, 0.95, "", fontsize=13, color=INK, parse_math=False)
        self._set_up()

    def show(self, frame: int) -> None:
        """Draw a frame of the reconstruction; the grid alone where it has none."""
        names, rate = self.reconstruction.names, self.reconstruction.rate
        if not names:
            return
        time = f"   {frame / rate:.2f} s" if rate else ""
        self._title.set_text(f"{names[frame]}   frame {frame + 1} of {len(names)}{time}")
        for name, lines in self._lines.items():
            points = self.reconstruction.keypoints[frame] if name == "image" else self.project(self.scene[frame], name)
            segments, colours, widths, styles = self._sticks(points, frame, 3.2 if name in ("image", "scene") else 1.8)
            lines.set(segments=segments, color=colours, linewidth=widths, linestyle=styles)
        self._shade.set_segments(self._shadows(self.scene[frame]))

    def play(self, step: int = 1) -> Iterator[NDArray[np.uint8]]:
        """Every `step`th frame as pixels (height, width, 3)."""
        canvas = self._canvas(self.figure)
        frames = range(0, max(1, len(self.reconstruction.names)), step)
        for frame in tracked(frames, "drawing", len(frames), joining=True):
            self.show(frame)
            canvas.draw()
            yield np.asarray(canvas.buffer_rgba())[..., :3].copy()

    def project(self, points: NDArray[np.floating], view: str) -> NDArray[np.float64]:
        """Points (..., 3) of the scene as a view shows them, (..., 3): across, up, and towards the viewer."""
        x, y, z = np.moveaxis(np.asarray(points, np.float64), -1, 0)
        if view == "side":
            return np.stack([-z, y, x], axis=-1)
        if view == "above":
            return np.stack([x, -z, y], axis=-1)
        middle = (self._low + self._high) / 2
        yaw, pitch = np.radians((30.0, 16.0))
        x, y, z = x - middle[0], y - middle[1], z - middle[2]
        across, towards = np.cos(yaw) * x - np.sin(yaw) * z, np.sin(yaw) * x + np.cos(yaw) * z
        up, towards = np.cos(pitch) * y - np.sin(pitch) * towards, np.sin(pitch) * y + np.cos(pitch) * towards
        away = 2.2 * float(np.linalg.norm(self._high - self._low))
        return np.stack([across * away / (away - towards), up * away / (away - towards), towards], axis=-1)

    def _empty(self, axis: Any) -> Any:
        lines = self._collections.LineCollection([], capstyle="round", zorder=3)
        axis.add_collection(lines, autolim=False)
        axis.set(xticks=[], yticks=[])
        for spine in axis.spines.values():
            spine.set(color=PALE)
        return lines

    def _set_up(self) -> None:
        """What does not move: titles, limits, the ground's grid."""
        width, height = self.reconstruction.image
        titles = {"image": "the image's 2D poses", "scene": "the scene", "side": "from the side", "above": "from above"}
        for name, axis in self._axes.items():
            axis.set_title(titles[name], fontsize=10, color=INK)
            axis.set_aspect("equal")
            if name == "image":
                axis.set(xlim=(0, width), ylim=(height, 0), facecolor="#f4f5f7")
                continue
            (x0, _, z0), (x1, top, z1) = self._low, self._high
            across = [((x, 0, z0), (x, 0, z1)) for x in np.linspace(x0, x1, 1 + max(1, round((x1 - x0) / 0.5)))]
            along = [((x0, 0, z), (x1, 0, z)) for z in np.linspace(z0, z1, 1 + max(1, round((z1 - z0) / 0.5)))]
            grid = self.project(np.array(across + along), name)[..., :2]
            axis.add_collection(self._collections.LineCollection(grid, color=PALE, linewidth=0.8, zorder=1))
            corners = np.array([(x, y, z) for x in (x0, x1) for y in (self._low[1], top) for z in (z0, z1)])
            seen = self.project(corners, name)
            middle, half = (seen.max(0) + seen.min(0))[:2] / 2, np.ptp(seen, axis=0)[:2] / 2
            half = np.maximum(half, half[::-1] * (sides := axis.get_position(original=True).size * SIZE) / sides[::-1])
            axis.set(xlim=middle[0] + half[0] * EITHER_WAY, ylim=middle[1] + half[1] * EITHER_WAY)

    def _sticks(self, points: NDArray[np.floating], frame: int, width: float) -> tuple[list, list, list, list]:
        """Bones as lines, the nearest person last and edged in white; dotted where an end was filled in."""
        skeleton = self.reconstruction.skeleton
        ends, starts = skeleton.bone_ends
        drawn: list[tuple[Any, str, float, Any]] = []
        depth = points[..., 2].mean(-1) if points.shape[-1] == 3 else np.zeros(len(points))
        for person in np.argsort(depth, kind="stable"):
            bones = points[person][np.stack([starts, ends], axis=-1), :2]
            whole = self.reconstruction.seen[frame, person]
            shown = [number for number, bone in enumerate(bones) if np.isfinite(bone).all()]
            drawn += [(bones[number], "white", width + 2.4, "solid") for number in shown]
            for number in shown:
                colour = colours_of(int(person))[skeleton.bones[number][0].startswith("left")]
                style = "solid" if whole[ends[number]] and whole[starts[number]] else (0, (0.1, 1.6))
                drawn.append((bones[number], colour, width, style))
        segments, colours, widths, styles = ([line[part] for line in drawn] for part in range(4))
        return segments, colours, widths, styles

    def _shadows(self, people: NDArray[np.floating]) -> list[NDArray[np.float64]]:
        """Bones as they fall straight down on the ground, in perspective."""
        bones = people[:, np.stack(self.reconstruction.skeleton.bone_ends, axis=-1)].reshape(-1, 2, 3)
        bones = bones[np.isfinite(bones).all((-1, -2))]
        return list(self.project(bones * (1.0, 0.0, 1.0), "scene")[..., :2])
