"""Markers, read back: `.c3d` by another library, `.trc` as the table that it is."""

import struct
from pathlib import Path

import c3d
import numpy as np
import pytest

from duolift.body.skeleton import PAPER19
from duolift.errors import InputError
from duolift.example import example_scene
from duolift.outputs import write
from duolift.outputs.markers import C3D_FRAMES

OF_POSE2SIM = {
    "pelvis": "Hip",
    "neck": "Neck",
    "head_top": "Head",
    **{
        f"{side}_{part}": side[0].upper() + part.capitalize()
        for side in ("left", "right")
        for part in ("hip", "knee", "ankle", "shoulder", "elbow", "wrist")
    },
}
"""Joints -> the markers of its OpenSim model for HALPE_26 that are joint centres of ours."""


@pytest.mark.filterwarnings("ignore:No analog data")
def test_another_reader_of_c3d_finds_the_joints(tmp_path: Path) -> None:
    scene = example_scene()
    path = tmp_path / "scene.c3d"
    write(scene, path)
    with path.open("rb") as file:
        reader = c3d.Reader(file)
        labels = [label.strip() for label in reader.point_labels]
        frames = np.stack([points for _, points, _ in reader.read_frames()])
        units, rate = reader.get("POINT:UNITS").string_value.strip(), reader.point_rate
        axes = [reader.get(f"POINT:{name}").string_value.strip() for name in ("X_SCREEN", "Y_SCREEN")]
    assert (units, rate, axes) == ("mm", 25, ["+X", "+Y"])
    assert labels == [f"{person}:{joint}" for person in (1, 2) for joint in PAPER19.joints]
    world = 1000 * scene.world().reshape(4, -1, 3)
    there = np.isfinite(world).all(-1)
    assert frames[..., :3][there] == pytest.approx(world[there], abs=1e-2)
    assert ((frames[..., 3] >= 0) == there).all(), "an invalid point has a negative residual"


def test_absent_markers_have_residual_minus_one_in_the_bytes_of_the_file(tmp_path: Path) -> None:
    """Readers may take NaN for absent of their own accord, so this looks at the file itself."""
    scene = example_scene()
    path = tmp_path / "scene.c3d"
    write(scene, path)
    content = path.read_bytes()
    first_block, scale = struct.unpack_from("<H", content, 16)[0], struct.unpack_from("<f", content, 12)[0]
    markers = 2 * len(PAPER19)
    stored = np.frombuffer(content, "<f4", 4 * 4 * markers, 512 * (first_block - 1)).reshape(4, markers, 4)
    valid = scene.valid.repeat(len(PAPER19), axis=1)  # (frame, marker)
    assert scale < 0, "numbers are stored as floats"
    assert np.isfinite(stored).all()
    assert (stored[~valid] == (0, 0, 0, -1)).all()
    assert (stored[valid][:, 3] == 0).all()
    with path.open("rb") as file, pytest.warns(UserWarning, match="No analog data"):
        read = np.stack([points for _, points, _ in c3d.Reader(file).read_frames(check_nan=False)])
    assert ((read[..., 3] == -1) == ~valid).all()


def test_more_frames_than_a_c3d_holds_are_refused(tmp_path: Path) -> None:
    long = example_scene(people=1)
    many = {
        name: np.resize(getattr(long, name), (C3D_FRAMES + 1, *getattr(long, name).shape[1:])) for name in ("people",)
    }
    scene = type(long)(**{**vars(long), **many, "names": ("image",) * (C3D_FRAMES + 1)})
    with pytest.raises(InputError, match="names has 65536 frames; expected at most 65535"):
        write(scene, tmp_path / "scene.c3d")
    assert not list(tmp_path.iterdir())


def test_a_trc_is_the_table_that_opensim_reads(tmp_path: Path) -> None:
    scene = example_scene()
    paths = write(scene, tmp_path / "scene.trc")
    for person, path in enumerate(paths):
        rows = [line.split("\t") for line in path.read_text().split("\n")]
        assert rows[0] == ["PathFileType", "4", "(X/Y/Z)", path.name]
        header = dict(zip(rows[1], rows[2], strict=True))
        assert (header["DataRate"], header["NumFrames"], header["NumMarkers"], header["Units"]) == (
            "25",
            "4",
            "19",
            "m",
        )
        assert rows[3][:2] == ["Frame#", "Time"] and len({*rows[3][2::3]}) == len(PAPER19)
        markers = dict(zip(PAPER19.joints, rows[3][2::3], strict=True))
        assert markers.items() >= OF_POSE2SIM.items()
        assert rows[4][2:5] == ["X1", "Y1", "Z1"] and rows[4][-1] == "Z19"
        assert rows[5] == [""], "an empty line before the numbers"
        table = np.genfromtxt(path, delimiter="\t", skip_header=6)
        assert table.shape == (4, 2 + 3 * 19)
        assert table[:, 0].tolist() == [1, 2, 3, 4] and table[:, 1] == pytest.approx(np.arange(4) / 25)
        expected = scene.world()[:, person].reshape(4, -1)
        assert table[:, 2:] == pytest.approx(expected, abs=1e-5, nan_ok=True)
        assert np.isnan(table[1, 2:]).all() == (person == 1)
