"""The embedded set's files, in CHI3D's layout: all of them or none. The same settings give the same bytes."""

import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import orjson

from datamodules.sources.chi3d import CAMERAS
from datamodules.synthetic.actions import ACTIONS
from datamodules.synthetic.bodies import Body
from datamodules.synthetic.cameras import place_cameras
from datamodules.synthetic.choreography import FPS
from datamodules.synthetic.takes import record
from duolift.bounds import Positive, check_bounds
from duolift.errors import InputError
from duolift.files import locked, writing
from duolift.geometry.cameras import CalibratedCamera
from duolift.progress import tracked

FORMAT = 1
"""Of what is written: another number, and sets of before are refused."""

BUILDS = {"s02": ("man", "woman"), "s03": ("man", "man"), "s04": ("woman", "man")}
"""Subject -> the builds of its two people."""

SUBJECTS = tuple(BUILDS)


@dataclass(frozen=True)
class SyntheticConfig:
    """What to write.

    Attributes:
        seed: of every random draw.
        takes: takes of each kind of action for each pair of subjects.
        frames: frames kept of each take.
    """

    seed: int = 0
    takes: Positive[int] = 3
    frames: Positive[int] = 48

    def __post_init__(self) -> None:
        check_bounds(self)


def camera_file(camera: CalibratedCamera) -> dict[str, dict[str, list]]:
    """One camera in the shape of `camera_parameters/<camera>/<action>.json`."""
    f, c, k, p = (x.tolist() for x in (camera.focal, camera.principal, camera.radial, camera.tangential))
    return {
        "extrinsics": {"R": camera.rotation.tolist(), "T": [camera.centre.tolist()]},
        "intrinsics_w_distortion": {"f": [f], "c": [c], "k": [k], "p": [p]},
        "intrinsics_wo_distortion": {"f": f, "c": c},
    }


def write_subject(folder: Path, subject: str, config: SyntheticConfig) -> Iterator[str]:
    """Write all files of one pair of people; yields each action's name once its files are there."""
    number = SUBJECTS.index(subject)
    rng = np.random.default_rng([config.seed, number])
    bodies = (Body.draw(rng, BUILDS[subject][0]), Body.draw(rng, BUILDS[subject][1]))
    cameras = place_cameras(rng)
    contacts = {}
    for kind_number, kind in enumerate(ACTIONS):
        for take_number in range(1, config.takes + 1):
            action = f"{kind} {take_number}"
            rng = np.random.default_rng([config.seed, number, kind_number, take_number])
            order = [0, 1] if rng.random() < 0.5 else [1, 0]  # either may be the one who acts
            take = record(kind, (bodies[order[0]], bodies[order[1]]), cameras, config.frames, rng)
            people = take.joints[order]
            write_json(folder / "joints3d_25" / f"{action}.json", {"joints3d_25": np.round(people, 5).tolist()})
            for index, camera in enumerate(CAMERAS):
                write_json(folder / "camera_parameters" / camera / f"{action}.json", camera_file(cameras[index]))
            if take.contact:
                contacts[action] = signature(*take.contact)
            yield action
    write_json(folder / "interaction_contact_signature.json", contacts)


def signature(first: int, last: int) -> dict[str, object]:
    """An entry of `interaction_contact_signature.json`; regions of skin are not modelled."""
    empty: dict[str, list] = {"region_id": [], "face_id": []}
    return {"fr_id": (first + last) // 2, "start_fr": first, "end_fr": last, "smplx_signature": empty}


def write_json(path: Path, value: object) -> None:
    """Write `value`, making the folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(orjson.dumps(value))


def finished(root: Path, settings: dict[str, object]) -> bool:
    """Whether `root` already holds the data set with these settings; InputError if it holds anything else."""
    if not root.exists() or (root.is_dir() and not any(root.iterdir())):
        return False
    mark = root / "synthetic.json"
    found = orjson.loads(mark.read_bytes()) if mark.is_file() else "no synthetic.json"
    if found != settings:
        raise InputError(f"{root}: found {found}, expected a new folder or {settings}")
    return True


def write(root: Path, config: SyntheticConfig) -> Path:
    """Write the data set to `root`, all of it or nothing; returns `root`. A finished folder is left as it is.

    Raises:
        InputError: something else is in `root`, it cannot be written to, or the disk is full.
    """
    root = Path(root)
    settings: dict[str, object] = {"format": FORMAT, "fps": FPS, **asdict(config)}
    if finished(root, settings):
        return root
    with locked(root, wait=True):
        if finished(root, settings):  # by another process that was waited for
            return root
        partial = root.with_name(f".{root.name}.part")
        shutil.rmtree(partial, ignore_errors=True)  # left by a process that was killed
        partial.mkdir()
        try:
            with writing(root):
                write_tree(partial, config)
                write_json(partial / "synthetic.json", settings)
                partial.replace(root)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    return root


def write_tree(root: Path, config: SyntheticConfig) -> None:
    """Write the whole tree, without `synthetic.json`, which marks it as complete."""
    actions = ((s, action) for s in SUBJECTS for action in write_subject(root / "train" / s, s, config))
    total = len(SUBJECTS) * len(ACTIONS) * config.takes
    names: dict[str, list[str]] = {subject: [] for subject in SUBJECTS}
    for subject, action in tracked(actions, "synthetic data", total):
        names[subject].append(action)
    info = {"train_subj_names": list(SUBJECTS), "subj_to_act": names, "all_camera_names": list(CAMERAS)}
    write_json(root / "info.json", info)
