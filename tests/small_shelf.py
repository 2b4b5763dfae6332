"""A small set in Shelf's layout: two people who sway before two cameras, detected exactly."""

import json
from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from small_tree import camera, people

from benchmarks.real.part_affinities import BODY25, LIMBS
from benchmarks.real.shelf import BODY25_TYPE, JOINTS
from duolift.body.skeleton import CHI3D25

Array = NDArray[np.float64]
CAMERAS, FRAMES, IMAGE = 2, 3, (900, 900)

WORLD = people(FRAMES, phase=0.0)
"""(person, frame, joint of CHI3D25, 3), metres, z up."""

INSTEAD = {"eye": "head", "ear": "head", "nose": "head", "small_toe": "toe", "heel": "ankle"}
"""A detector's joint -> the joint in whose place it is, for those that CHI3D25 lacks."""

Hidden = Collection[tuple[int, str]]
"""Of which person the detector does not see which joint, in no frame and by no camera."""


def points(joints: Sequence[str]) -> Array:
    """The people on joints by name, (person, frame, joint, 3)."""
    known = [joint if joint in CHI3D25.joints else _instead(joint) for joint in joints]
    return WORLD[:, :, CHI3D25.indices(known)]


def _instead(joint: str) -> str:
    side, _, name = joint.partition("_")
    other = INSTEAD[name or side]
    return f"{side}_{other}" if f"{side}_{other}" in CHI3D25.joints else other


def write_shelf(root: Path, hidden: Hidden = ()) -> Path:
    """Write the set into a folder that is not there yet."""
    (root / "detection").mkdir(parents=True)
    cameras = {}
    for number in range(CAMERAS):
        lens, pose = (camera(number, distorted=False)[key] for key in ("intrinsics_wo_distortion", "extrinsics"))
        rotation, centre = np.array(pose["R"]), np.array(pose["T"][0])
        (fx, fy), (cx, cy) = lens["f"], lens["c"]
        extrinsic = np.concatenate([rotation, -(rotation @ centre)[:, None]], axis=1)
        intrinsic = [fx, 0.0, cx, 0.0, fy, cy, 0.0, 0.0, 1.0]
        cameras[str(number)] = {"K": intrinsic, "RT": extrinsic.ravel().tolist(), "imgSize": IMAGE}
        seen = (points(BODY25.joints) - centre) @ rotation.T  # (person, frame, joint, 3)
        pixels = seen[..., :2] / seen[..., 2:] * (fx, fy) + (cx, cy)
        detections = [detection(pixels[:, frame], hidden) for frame in range(FRAMES)]
        write_detections(root / "detection" / f"{number}.txt", detections)
    (root / "calibration.json").write_text(json.dumps(cameras))
    for file, count in (("gt.txt", 15), ("skel.txt", 19)):
        write_truth(root / file, [*points(JOINTS[count]).swapaxes(0, 1)])
    return root


def detection(pixels: Array, hidden: Hidden = ()) -> tuple[list[Array], list[Array]]:
    """Candidates and affinities of an image's people (person, joint, 2); a limb of two people's joints is unlikely."""
    owners = [[p for p in range(len(pixels)) if (p, joint) not in hidden] for joint in BODY25.joints]
    shares = pixels / (np.array(IMAGE) - 1)
    candidates = [
        np.concatenate([shares[of, joint], np.full((len(of), 1), 0.9)], axis=1) for joint, of in enumerate(owners)
    ]
    affinities = [np.where(np.equal.outer(owners[a], owners[b]), 0.9, 0.1) for a, b in LIMBS]
    return candidates, affinities


def write_detections(path: Path, frames: Sequence[tuple[list[Array], list[Array]]]) -> None:
    """A camera's file of frames of candidates (candidate, 3), shares and confidence, and affinities."""
    lines = [f"{BODY25_TYPE}\t{len(frames)}"]
    for candidates, affinities in frames:
        for found in candidates:
            lines += [str(len(found)), *(" ".join(map(str, row)) for row in found.T.tolist())]
        lines += [" ".join(map(str, row)) for affinity in affinities for row in affinity.tolist()]
    path.write_text("\n".join(lines))


def write_truth(path: Path, frames: Sequence[Array], valid: Sequence[Array] | None = None) -> None:
    """A file of true people, of every frame (person, joint, 3); all joints are valid unless `valid` says otherwise."""
    lines = [f"{frames[0].shape[-2]}\t{len(frames)}"]
    for frame, everybody in enumerate(frames):
        lines.append(str(len(everybody)))
        for person, body in enumerate(everybody):
            confidence = np.ones(len(body)) if valid is None else valid[frame][person]
            rows = [*body.T.tolist(), np.asarray(confidence, float).tolist()]
            lines += [str(person), *(" ".join(map(str, row)) for row in rows)]
    path.write_text("\n".join(lines))
