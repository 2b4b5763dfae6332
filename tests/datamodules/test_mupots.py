"""MuPoTS-3D as distributed: joints, lenses and where up is follow from annotations, and what is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.io import loadmat, savemat
from small_companies import MUPOTS_SEQUENCES, copied, mupots_root

from callbacks.lifting import through_default_lens
from datamodules.sources.mupots import ANNOTATIONS, JOINTS, read, subjects_of
from duolift.body.skeleton import H36M17
from duolift.errors import InputError
from experiments.config import load
from experiments.data import image_size, open_data

INDOORS, THREE, OUTDOORS = MUPOTS_SEQUENCES


def structures(root: Path, sequence: str) -> Any:
    return loadmat(root / sequence / "annot.mat")[ANNOTATIONS]


def test_every_annotated_joint_is_seen_where_it_is_annotated() -> None:
    """By the lens that follows from all of them: within a hundredth of a pixel."""
    takes = read(mupots_root(), MUPOTS_SEQUENCES)
    assert takes.joints == JOINTS and takes.people == 3 and takes.valid is not None
    for take, sequence in enumerate(MUPOTS_SEQUENCES):
        cells, view = structures(mupots_root(), sequence), takes.views[take, 0]
        points = view.to_camera(takes.frames(take).flatten(0, 2)).view(*takes.frames(take).shape)
        pixels = view.project(points.flatten(0, 2)).view(*points.shape[:3], 2)
        for frame, person in np.ndindex(cells.shape):
            cell, known = cells[frame, person][0, 0], takes.known(take)[frame, person]
            assert bool(known.all()) == bool(cell["isValidFrame"][0, 0]) == bool(known.any())
            if known.all():
                np.testing.assert_allclose(pixels[frame, person], cell["annot2"].T, atol=0.05)
                np.testing.assert_allclose(1000 * points[frame, person], cell["annot3"].T, atol=0.05)


def test_people_stand_upright_in_the_world_that_is_found() -> None:
    takes = read(mupots_root(), MUPOTS_SEQUENCES)
    assert takes.valid is not None
    people = takes.world[takes.valid.all(-1)]
    rise = people[:, JOINTS.index("neck")] - people[:, JOINTS.index("left_ankle")]
    upright = torch.nn.functional.normalize(rise, dim=-1)[:, 2]
    assert upright.median() > 0.95
    scenes = takes.scenes(H36M17)
    assert scenes.valid is not None
    assert scenes.elevations(H36M17.root_index)[scenes.valid].rad2deg().abs().max() < 25


def test_each_sequence_is_a_camera_with_a_lens_and_an_image_of_its_own() -> None:
    scenes = read(mupots_root(), [INDOORS, OUTDOORS]).scenes(H36M17)
    assert scenes.cameras == ("camera of TS1 indoors", "camera of TS6 outdoors") and scenes.image is not None
    assert scenes.image.unique(dim=0).tolist() == [[1920.0, 1080.0], [2048.0, 2048.0]]
    default = through_default_lens(scenes, (1.0, 1.0))
    focal = {round(value) for value in default.intrinsics.focal[:, 0].tolist()}
    assert focal == {2203, 2896}, "the diagonal of its own image"
    config = load(["data.source=mupots", f"data.root={mupots_root()}", "data.train=[TS1,TS2]", "data.evaluate=[TS6]"])
    data = open_data(config, "person", 8)
    assert image_size(config, data.image) == (2048.0, 2048.0) and data.skeleton is H36M17
    assert (data.evaluation.everybody.sum(-1) == 2).all()


def test_sequences_are_in_order() -> None:
    assert subjects_of(mupots_root()) == ["TS1", "TS2", "TS6"]


def rewritten(root: Path, change: Any) -> Path:
    """The first sequence with its cells changed."""
    cells = structures(root, INDOORS)
    plain = np.empty(cells.shape, dtype=object)
    for at in np.ndindex(cells.shape):
        plain[at] = {name: cells[at][0, 0][name] for name in cells[at].dtype.names}
    changed = change(plain)
    savemat(root / INDOORS / "annot.mat", {ANNOTATIONS: plain if changed is None else changed})
    return root


def of_first(name: str, value: Any) -> Any:
    def change(cells: Any) -> None:
        cells[0, 0][name] = value

    return change


def of_all(name: str, function: Any) -> Any:
    def change(cells: Any) -> None:
        for at in np.ndindex(cells.shape):
            cells[at][name] = function(cells[at][name])

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (of_first("annot2", np.zeros((2, 3))), r"annotations\{1,1\}.annot2 is \(2, 3\) of .*; expected \(2, 17\)"),
        (of_first("annot3", np.full((3, 17), np.nan)), r"annotations\{1,1\}.annot3 holds NaN"),
        (of_first("isValidFrame", "yes"), r"annotations\{1,1\}.isValidFrame is .*; expected \(1, 1\) of numbers"),
        (lambda cells: cells[0, 1].pop("annot3") is None or None, r"annotations\{1,2\} has no field annot3"),
        (of_all("isValidFrame", lambda flag: 0 * flag), "has no person with isValidFrame"),
        (of_all("annot3", lambda joints: joints * [[1], [1], [-1]]), "annot3 has joints behind the camera"),
        (of_all("annot2", lambda pixels: pixels[:, ::-1]), r"annot2 is off by .* pixels from annot3 by the best lens"),
        (of_all("annot3", lambda joints: joints * [[1], [-1], [1]]), "annot2 is off by|do not stand upright"),
        (lambda cells: np.zeros((3, 3)), "has no annotations; expected a cell array"),
    ],
)
def test_what_is_not_as_distributed_is_refused(tmp_path: Path, change: Any, message: str) -> None:
    root = rewritten(copied(mupots_root(), tmp_path / "mupots"), change)
    with pytest.raises(InputError, match=f"annot.mat: {message}|annot.mat: .*{message}") as raised:
        read(root, [INDOORS])
    assert "\n" not in str(raised.value)


def test_files_that_are_no_matlab_files_are_refused(tmp_path: Path) -> None:
    root = copied(mupots_root(), tmp_path / "mupots")
    path = root / INDOORS / "annot.mat"
    whole = path.read_bytes()
    for content in (b"", b"MATLAB", whole[:1000], whole[: len(whole) // 2]):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"annot\.mat: (not readable as a MATLAB file|has no annotations)"):
            read(root, [INDOORS])
    path.unlink()
    with pytest.raises(InputError, match=r"annot\.mat: cannot be read"):
        read(root, [INDOORS])
    with pytest.raises(InputError, match=r"holds no sequences; expected <root>/TS<number>/annot\.mat"):
        subjects_of(tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"data\.cameras is .*; expected null"):
        read(mupots_root(), [INDOORS], cameras=["1"])


def test_a_small_file_that_asks_for_gigabytes_does_not_get_them(tmp_path: Path) -> None:
    root = copied(mupots_root(), tmp_path / "mupots")
    path = root / INDOORS / "annot.mat"
    frames, people = structures(root, INDOORS).shape
    content, size = path.read_bytes(), np.array([frames, people], dtype="<i4").tobytes()
    assert content.count(size, 0, 200) == 1  # in the head of the cell array
    path.write_bytes(content.replace(size, np.array([frames, 2**28 // frames], dtype="<i4").tobytes(), 1))
    with pytest.raises(InputError, match=rf"{INDOORS}/annot.mat: not readable as a MATLAB file \(Unable to allocate 2"):
        read(root, [INDOORS])
