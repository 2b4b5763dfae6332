"""SLEAP's analysis files with human joints by name: HDF5 (by the library h5py) and CSV.

HDF5 holds `tracks` (track, 2, node, frame), `point_scores` (track, node, frame), `node_names` and `track_names`; newer
versions may store other orders, which the attribute `dims` names. CSV has a row a person and frame with the columns
`track`, `frame_idx`, `instance.score`, `nose.x`, `nose.y`, `nose.score` ... Names of joints are matched as in
`deeplabcut`. See
https://docs.sleap.ai/latest/learnings/export-analysis/.
"""

import json
from collections.abc import Iterator
from typing import Any

import numpy as np

from duolift.errors import InputError
from duolift.files.hdf5 import opened
from duolift.files.npz import ARCHIVE_LIMITS
from duolift.inputs.formats.deeplabcut import csv_rows, numbers_of
from duolift.inputs.keypoints import format_given_or_of
from duolift.inputs.people import Array, DetectionFile, RawFrame, RawPerson, raw_person
from duolift.inputs.registry import file_format

MATLAB = ("track", "xy", "node", "frame")
STANDARD = ("frame", "track", "node", "xy")
"""Orders of the axes of `tracks`; scores have the same without xy."""


@file_format("sleap", "SLEAP's analysis HDF5", suffix=".h5", recognises=lambda peek: peek.has("hdf5", "tracks"))
def read_sleap(file: DetectionFile) -> Iterator[RawFrame]:
    """The frames of a video."""
    with opened(file.file, file.where) as content:
        if "tracks" not in content or "node_names" not in content:
            raise InputError(f"{file.where}: holds {', '.join(content) or 'nothing'}; expected tracks and node_names")
        nodes = [_text(name) for name in _read(content["node_names"], file.where).ravel()]
        body = format_given_or_of(file.keypoint_format, nodes, f"{file.where}: node_names")
        tracks, order = _ordered(content["tracks"], len(nodes), f"{file.where}: tracks")
        scores = _scores(content, order, tracks.shape[:3], file.where)
        tracked = "track_names" in content and content["track_names"].size > 0
    for frame, (places, sure) in enumerate(zip(tracks, scores, strict=True)):  # (track, node, 2), (track, node)
        people = [
            raw_person(place, sure[track], track + 1 if tracked else None, f"{file.where}: track {track}")
            for track, place in enumerate(places)
            if np.isfinite(place).all(-1).any()
        ]
        yield RawFrame(str(frame), file.stem, people, body)


def _ordered(dataset: Any, nodes: int, where: str) -> tuple[Array, tuple[str, ...]]:
    """(frame, track, node, 2), and the order that the file has."""
    shape = dataset.shape
    order = _told(dataset)
    if order is None:
        fitting = [one for one in (MATLAB, STANDARD) if len(shape) == 4 and shape[one.index("xy")] == 2]
        order = next((one for one in fitting if shape[one.index("node")] == nodes), None)
    if order is None or len(shape) != 4 or shape[order.index("node")] != nodes or shape[order.index("xy")] != 2:
        raise InputError(f"{where} has shape {shape}; expected (track, 2, {nodes} nodes, frame)")
    array = _read(dataset, where).astype(np.float64)
    return array.transpose([order.index(axis) for axis in STANDARD]), order


def _told(dataset: Any) -> tuple[str, ...] | None:
    """The order of axes that `dims` tells, if it does."""
    try:
        told = json.loads(_text(dataset.attrs["dims"]))
    except (KeyError, ValueError, TypeError):
        return None
    names = tuple(str(one).rstrip("s") for one in told) if isinstance(told, list) else ()
    return names if sorted(names) == sorted(MATLAB) else None


def _scores(content: Any, order: tuple[str, ...], shape: tuple[int, ...], where: str) -> Array:
    """(frame, track, node); 1 where the file has none."""
    if "point_scores" not in content:
        return np.ones(shape)
    axes = [axis for axis in order if axis != "xy"]
    array = _read(content["point_scores"], f"{where}: point_scores").astype(np.float64)
    if array.ndim != 3 or (found := array.transpose([axes.index(axis) for axis in STANDARD[:3]])).shape != shape:
        raise InputError(f"{where}: point_scores has shape {array.shape}; expected a score of every point of tracks")
    return np.where(np.isnan(found), 1.0, found)  # of a point that somebody placed


def _read(dataset: Any, where: str) -> np.ndarray:
    if not hasattr(dataset, "dtype") or dataset.size * dataset.dtype.itemsize > ARCHIVE_LIMITS.unpacked:
        raise InputError(f"{where}: is no array, or too large a one; expected at most {ARCHIVE_LIMITS.unpacked} bytes")
    return np.asarray(dataset[()])


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


@file_format(
    "sleap_csv",
    "SLEAP's analysis CSV",
    suffix=".csv",
    recognises=lambda peek: peek.begins_with(b"track,frame_idx,"),
)
def read_sleap_csv(file: DetectionFile) -> Iterator[RawFrame]:
    """The frames of a video: all rows are read before the first is given, since they are in no order."""
    rows = csv_rows(file)
    head = next((row for _, row in rows), [])
    joints = [name.removesuffix(".x") for name in head if name.endswith(".x")]
    body = format_given_or_of(file.keypoint_format, joints, f"{file.where}: columns")
    if {"track", "frame_idx"} - {*head} or any(f"{joint}.y" not in head for joint in joints):
        raise InputError(
            f"{file.where}: has the columns {', '.join(head)[:80]}; expected track, frame_idx, and x and y"
        )
    at = {name: number for number, name in enumerate(head)}
    places = [[at[f"{joint}.x"], at[f"{joint}.y"], at.get(f"{joint}.score", -1)] for joint in joints]
    frames: dict[int, list[RawPerson]] = {}
    tracks: dict[str, int] = {}
    for line, row in rows:
        here = f"{file.where}: line {line}"
        if len(row) != len(head):
            raise InputError(f"{here} has {len(row)} cells; expected {len(head)}")
        number, track = row[at["frame_idx"]], row[at["track"]]
        if not (number.isascii() and number.isdecimal() and len(number) < 10):
            raise InputError(f"{here}: frame_idx is {number[:40]!r}; expected a whole number")
        identity = tracks.setdefault(track, len(tracks) + 1) if track else None
        values = numbers_of((row[cell] if cell >= 0 else "1" for joint in places for cell in joint), here).reshape(
            -1, 3
        )
        sure = np.where(np.isnan(values[:, 2]), 1.0, values[:, 2])
        frames.setdefault(int(number), []).append(raw_person(values[:, :2], sure, identity, here))
    for frame, people in sorted(frames.items()):
        yield RawFrame(str(frame), file.stem, people, body)
    if not frames:
        raise InputError(f"{file.where}: has a head and no row; expected a row a person")
