"""How exact are scenes from pixels? Films of four calibrated views, each lifted alone, against all four together.

python -m benchmarks.pixels [--package FILE] [--detector NAME] [--views cam01 cam02] [--output FILE]

The films are those of Pose2Sim's demo of two people, which comes in its package (BSD-3-Clause); they are taken out of
it into a temporary folder. There is no truth of motion capture: the reference is what the same detector sees in four
views, triangulated. What a detector gets wrong in all of them alike is in the reference too.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.signal import butter, sosfiltfilt
from torch import Tensor

from benchmarks.real.capture import TruePeople, Truth, View
from benchmarks.real.protocol import Matched, compare
from benchmarks.real.qualisys import read_qualisys
from benchmarks.real.scoring import aligned, off, root_of
from benchmarks.real.triangulation import Array, persons, rays_of, tracked_people, triangulated
from duolift.body.anthropometry import WINTER
from duolift.camera import Camera
from duolift.detectors import Detector, load_detector
from duolift.detectors.following import for_a_film
from duolift.detectors.install import download, member
from duolift.detectors.models import Package
from duolift.detectors.watching import stride, watch
from duolift.errors import InputError
from duolift.files.films import Film
from duolift.inputs import Frame
from duolift.inputs.detections import JOINTS
from duolift.inputs.keypoints import format_named, to_joints
from duolift.placement.stature import UNKNOWN_STATURES, Statures
from duolift.predictor import Lifter
from duolift.progress import tracked
from duolift.scene import Scene
from experiments.runs import command
from experiments.tables import markdown_table

POSE2SIM = Package("wheel", "pose2sim", "0.10.49", 51_189_031)
DEMO = "Pose2Sim/Demo_MultiPerson"
LEAST_KNOWN = 20
"""Frames of a joint that is smoothed."""

VIEWS = ("cam01", "cam02", "cam03", "cam04")


@dataclass(frozen=True)
class Filmed:
    """What a detector found in a film.

    Attributes:
        name: of the view.
        frames: as they are lifted.
        rate: frames a second.
        image: width and height, pixels.
        seconds: of one core that decoding and detecting took.
    """

    name: str
    frames: tuple[Frame, ...]
    rate: float
    image: tuple[float, float]
    seconds: float


@dataclass(frozen=True)
class Line:
    """The scores of one view, lifted alone.

    Attributes:
        view: its name.
        given: what the lifter was told beside the focal length.
        person_mm: of people, each aligned alone; mean over people and frames.
        scene_mm: of scenes, aligned as a whole.
        distance: estimated and true distance of the two pelves, metres; medians.
        distance_pct: by how much it is wrong, median over frames.
        acceleration: of joints in the scene and in the reference, m/s2; medians over frames, means over joints.
        found: share of the reference's people who are in the scene.
        rate: frames a second that one core detects and lifts.
    """

    view: str
    given: str
    person_mm: float
    scene_mm: float
    distance: tuple[float, float]
    distance_pct: float
    acceleration: tuple[float, float]
    found: float
    rate: float


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pixels", description=__doc__.split("\n")[0])
    parser.add_argument("--package", type=Path, metavar="FILE", help=f"{POSE2SIM.title}, instead of downloading it")
    parser.add_argument("--detector", metavar="NAME", help="default: the product's")
    parser.add_argument("--views", nargs="+", choices=VIEWS, default=VIEWS, help="which are lifted; default: all")
    parser.add_argument("--output", type=Path, metavar="FILE", help="also write the table there, .md")
    given = parser.parse_args(arguments)
    detector, lifter = load_detector(given.detector), Lifter.load()
    with tempfile.TemporaryDirectory() as folder:
        taken = unpack(given.package or download(POSE2SIM, Path(folder)), Path(folder))
        cameras = read_qualisys(taken["calibration"])
        films = [watched(taken[name], name, detector) for name in tracked(VIEWS, "detecting", len(VIEWS))]
        whole = [watched(taken[name], name, detector, step=1) for name in tracked(VIEWS, "all frames", len(VIEWS))]
    views = [view_of(film, *cameras[film.name]) for film in films]
    truth = reference(whole, views)
    lines = [
        scored(lifter, film, view, truth, stature)
        for film, view in zip(films, views, strict=True)
        if film.name in given.views
        for stature in (None, round(float(statures(truth).max()), 2))
    ]
    text = report(lines, detector.name)
    if given.output:
        given.output.write_text(text + "\n")
    print(text)


def unpack(package: Path, folder: Path) -> dict[str, Path]:
    """The calibration and the films of Pose2Sim's demo, taken out of its package: name -> file.

    Raises:
        InputError: the package is missing, damaged, or another one.
    """
    if not package.is_file():
        raise InputError(f"{package}: no such file; expected {POSE2SIM.title}")
    content = package.read_bytes()
    inside = {"calibration": "calibration/Calib.qca.txt", **{name: f"videos/{name}.mp4" for name in VIEWS}}
    taken = {}
    for name, path in inside.items():
        taken[name] = folder / Path(path).name
        taken[name].write_bytes(member(content, (f"{DEMO}/{path}",), str(package)))
    return taken


def watched(path: Path, name: str, detector: Detector, step: int | None = None) -> Filmed:
    """What a detector finds in a film.

    Args:
        step: of how many frames one is looked at; None as in use, 1 looks at every one, as the reference wants it.
    """
    film, joints, began = Film(path), format_named(detector.joints), time.process_time()
    following = for_a_film(detector)

    def look(picture: NDArray[np.uint8]) -> Array:
        return following.detect(picture).astype(np.float64)

    frames: list[Frame] = []
    for seen in watch(film.frames(), look, step or stride(film.frame_rate)):
        keypoints, confidence = to_joints(seen.people[..., :2], seen.people[..., 2], joints)
        frames.append(Frame(str(seen.number), name, keypoints, confidence, image=seen.image, rate=film.frame_rate))
    if not frames or frames[0].image is None:
        raise InputError(f"{path}: holds no frame; expected a film")
    return Filmed(name, tuple(frames), film.frame_rate, frames[0].image, time.process_time() - began)


def view_of(film: Filmed, camera: object, image: tuple[float, float]) -> View:
    """A film's view, as the protocol takes it. Raises InputError where the film is not of the camera's size."""
    if film.image != image:
        raise InputError(f"{film.name}: frames are {film.image}; expected {image}, as the calibration has them")
    names = {frame.name: number for number, frame in enumerate(film.frames)}
    return View(film.name, camera, image, Path(), names)  # type: ignore[arg-type]


def reference(films: Sequence[Filmed], views: Sequence[View]) -> Truth:
    """People's joints in the world from all views together, frame by frame, who are seen in most of the frames."""
    frames: list[list[Array]] = []
    for seen in zip(*(film.frames for film in films), strict=True):
        rays = [rays_of(view.camera, one.keypoints, one.confidence) for view, one in zip(views, seen, strict=True)]
        frames.append([triangulated(rays, person) for person in persons(rays)])
    people = np.stack(tracked_people(frames))  # (frame, person, joint, 3)
    often = np.isfinite(people).any((-1, -2)).mean(0) > 0.5
    points = torch.from_numpy(smoothed(people[:, often], films[0].rate))
    known = points.isfinite().all(-1)
    found = tuple(TruePeople(*both) for both in zip(points.nan_to_num(), known, strict=True))
    return Truth(JOINTS.joints, found)


def smoothed(points: Array, rate: float, cutoff: float = 6.0) -> Array:
    """Joints over time (frame, ...), smoothed as the field does: Butterworth's filter of fourth order, forth and back.

    Gaps (NaN) are bridged for it and are gaps again afterwards.

    Args:
        rate: frames a second.
        cutoff: Hz; faster movements are taken for noise.

    >>> steady = np.arange(60.0)
    >>> np.allclose(smoothed(steady, rate=60), steady, atol=0.05)
    True
    """
    filtering = butter(4, min(cutoff, 0.45 * rate), fs=rate, output="sos")
    result = points.copy()
    for track in result.reshape(len(points), -1).T:
        known = np.isfinite(track)
        if known.sum() > LEAST_KNOWN:
            bridged = np.interp(np.arange(len(track)), np.flatnonzero(known), track[known])
            track[known] = sosfiltfilt(filtering, bridged)[known]
    return result


def statures(truth: Truth) -> Tensor:
    """How tall the reference's people are, metres (person,): by trunks, thighs and shanks.

    A published table has these as fractions of stature (`duolift.body.anthropometry`).
    Nobody has measured the people, and who does not stand upright is as tall as ever by their bones.
    """
    points = torch.stack([frame.points.where(frame.valid[..., None], torch.nan) for frame in truth.frames])
    left, right = (
        points[:, :, [truth.joints.index(f"{side}_{joint}") for joint in ("shoulder", "hip", "knee", "ankle")]]
        for side in ("left", "right")
    )  # (frame, person, joint, 3) each
    middle = (left + right) / 2
    trunk = (middle[:, :, 0] - middle[:, :, 1]).norm(dim=-1)  # (frame, person)
    legs = sum((side[:, :, 1:-1] - side[:, :, 2:]).norm(dim=-1).sum(-1) for side in (left, right)) / 2
    return (trunk + legs).nanmedian(0).values / (WINTER.trunk + WINTER.thigh + WINTER.shank)


def scored(lifter: Lifter, film: Filmed, view: View, truth: Truth, stature: float | None) -> Line:
    """One view lifted alone, and its scores.

    Args:
        stature: of the tallest person, metres; None tells the lifter nobody's.
    """
    began = time.process_time()
    camera = Camera(focal=view.focal, image=view.image, rate=film.rate)
    ((_, scene),) = lifter.lift_frames(film.frames, camera, stature=UNKNOWN_STATURES)
    seconds = film.seconds + time.process_time() - began
    images = list(compared(scene, view, truth))
    if stature is not None:  # who is to be told is known by now
        known = Statures(own={scene.identities[number_of(int(statures(truth).argmax()), images)]: stature})
        ((_, scene),) = lifter.lift_frames(film.frames, camera, stature=known)
        images = list(compared(scene, view, truth))
    part = sum(len(one) + one.unmatched for one in images)
    people = [
        off(aligned(one.estimate.points[person], one.truth.points[person], valid), one.truth.points[person], valid)
        for one in images
        for person, valid in enumerate(one.truth.valid)
    ]
    pairs = [one for one in images if len(one) == 2]
    whole = [
        off(aligned(o.estimate.points, o.truth.points, o.truth.valid), o.truth.points, o.truth.valid) for o in pairs
    ]
    apart = torch.stack([torch.stack([distance(one.estimate.points), distance(one.truth.points)]) for one in pairs])
    accelerations = [acceleration(tracks, film.rate) for tracks in both_tracks(images)]
    return Line(
        view.name,
        "" if stature is None else f"--height N={stature:.2f}",
        person_mm=float(np.mean(people)),
        scene_mm=float(np.mean(whole)),
        distance=(float(apart[:, 0].median()) / 1000, float(apart[:, 1].median()) / 1000),
        distance_pct=100 * float((apart[:, 0] / apart[:, 1] - 1).abs().median()),
        acceleration=(accelerations[0], accelerations[1]),
        found=sum(map(len, images)) / max(part, 1),
        rate=len(film.frames) / seconds,
    )


def compared(scene: Scene, view: View, truth: Truth) -> Iterator[Matched]:
    """Every frame of a scene beside the reference."""
    for frame, name in enumerate(scene.names):
        if name in view.frames:
            yield compare(scene, frame, view, truth, view.frames[name])


def number_of(person: int, images: Sequence[Matched]) -> int:
    """A scene's number of one of the reference's people, in most images. Raises InputError where nobody is them."""
    found = [one for image in images for one, other in image.pairs if other == person]
    if not found:
        raise InputError(f"person {person} of the reference is in no scene; expected everybody")
    return max({*found}, key=found.count)


def distance(people: Tensor) -> Tensor:
    """How far the pelves of two people (2, joint, 3) of the protocol's joints are apart.

    >>> joints = torch.zeros(2, 12, 3)
    >>> joints[1, :, 0] = 3
    >>> distance(joints)
    tensor(3.)
    """
    return (root_of(people)[0] - root_of(people)[1]).norm()


def both_tracks(images: Sequence[Matched]) -> tuple[list[Mapping[int, Tensor]], list[Mapping[int, Tensor]]]:
    """Estimated and true people of every frame: the scene's number of a person -> joints (joint, 3), NaN if unknown."""
    estimates: list[Mapping[int, Tensor]] = []
    truths: list[Mapping[int, Tensor]] = []
    for one in images:
        known = one.truth.points.where(one.truth.valid[..., None], torch.nan)
        numbers = [pair[0] for pair in one.pairs]
        estimates.append(dict(zip(numbers, one.estimate.points, strict=True)))
        truths.append(dict(zip(numbers, known, strict=True)))
    return estimates, truths


def acceleration(frames: Sequence[Mapping[int, Tensor]], rate: float) -> float:
    """Joints' acceleration, m/s2, from people of frames in mm: means over joints, the median over frames and people.

    >>> fallen = [{0: torch.tensor([[0.0, 0.0, 4900.0 * (n / 10) ** 2]])} for n in range(5)]
    >>> round(acceleration(fallen, rate=10), 1)
    9.8
    """
    found = [
        (before[person] - 2 * now[person] + after[person]).norm(dim=-1).nanmean()
        for before, now, after in zip(frames, frames[1:], frames[2:], strict=False)
        for person in before.keys() & now.keys() & after.keys()
    ]
    return float(torch.stack(found).nanmedian()) * rate**2 / 1000 if found else float("nan")


def report(lines: Sequence[Line], detector: str) -> str:
    """The scores as a table."""
    heads = (
        "view",
        "given",
        "person, mm",
        "scene, mm",
        "pelves apart, m",
        "off by",
        "acceleration, m/s2",
        "found",
        "frames/s",
    )
    rows = [
        (
            line.view,
            f"`{line.given}`" if line.given else "",
            f"{line.person_mm:.0f}",
            f"{line.scene_mm:.0f}",
            "{:.2f} ({:.2f})".format(*line.distance),
            f"{line.distance_pct:.0f} %",
            "{:.1f} ({:.1f})".format(*line.acceleration),
            f"{100 * line.found:.0f} %",
            f"{line.rate:.1f}",
        )
        for line in lines
    ]
    about = f"Detector {detector}; the reference's values in brackets."
    return f"{markdown_table(heads, *rows)}\n\n{about}"


if __name__ == "__main__":
    command(main)
