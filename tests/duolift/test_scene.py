"""Scenes: their two coordinate systems, their parts, and what users do with them."""

import re
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from duolift.body.skeleton import PAPER19, PAPER23
from duolift.errors import InputError
from duolift.example import example_scene
from duolift.scene import PER_PERSON, Scene, to_camera, world_axes

DOWN = (0.0, 0.0, -1.0)
"""Up, for a camera that looks straight down."""


def test_people_stand_upright_on_the_ground_before_the_camera() -> None:
    scene = example_scene().world()
    first = scene[0, 0]
    assert first[PAPER19.index("pelvis")] == pytest.approx([0, 0.95, -4], abs=1e-5)
    assert first[PAPER19.index("head_top"), 1] == pytest.approx(1.72, abs=1e-5)
    assert first[PAPER19.index("left_hip"), 0] > first[PAPER19.index("right_hip"), 0], "who faces the camera"


@pytest.mark.parametrize("up", [(0, -0.8, -0.6), (0.6, -0.8, 0), DOWN, (0, 0, 1), (0, -1, 0)])
def test_axes_are_a_rotation_and_there_is_a_way_back(up: tuple[float, float, float]) -> None:
    axes = world_axes(np.array([up]))
    assert axes[0] @ axes[0].T == pytest.approx(np.eye(3), abs=1e-9)
    assert np.linalg.det(axes[0]) == pytest.approx(1)
    assert axes[0, 1] == pytest.approx(up)
    points = np.random.default_rng(0).normal(size=(1, 2, 5, 3))
    back = to_camera(points @ axes[0].T + (0, 1.5, 0), np.array([up]), np.array([1.5]))
    assert back == pytest.approx(points, abs=1e-6)


def test_who_is_absent_is_nan_in_either_frame_of_coordinates() -> None:
    scene = example_scene()
    assert scene.valid.tolist() == [[True, True], [True, False], [True, True], [True, True]]
    assert np.isnan(scene.world()[1, 1]).all()


def test_some_of_the_people_are_selected_in_the_order_asked_for() -> None:
    scene = example_scene(people=3)
    chosen = scene.select([2, 0])
    assert chosen.identities == (3, 1) and chosen.names == scene.names
    for name in PER_PERSON:
        np.testing.assert_array_equal(getattr(chosen, name), getattr(scene, name)[:, [2, 0]])
    assert scene.select([]).people.shape == (4, 0, 19, 3)


def test_short_gaps_are_bridged_in_a_straight_line() -> None:
    scene = example_scene()
    bridged = scene.interpolated(1)
    for name in ("people", "by_paper"):
        before, after = getattr(scene, name), getattr(bridged, name)
        np.testing.assert_allclose(after[1, 1], (before[0, 1] + before[2, 1]) / 2, rtol=1e-5)
        np.testing.assert_array_equal(after[[0, 2, 3]], before[[0, 2, 3]])
    assert bridged.valid.all() and bridged.confidence[1, 1] == 0 and not bridged.seen[1, 1].any()
    assert not scene.interpolated(0).valid[1, 1]
    ends = replace(scene, people=np.where(np.arange(4)[:, None, None, None] < 2, np.nan, scene.people))
    assert ends.interpolated(9).valid.tolist() == ends.valid.tolist()


# What users do with scenes --------------------------------------------------------------------------------------------


def test_a_scene_is_told_in_a_line() -> None:
    assert repr(example_scene()) == "Scene(4 frames, 2 people, paper19, focal 1000 px (default), 25 frames/s)"
    one = repr(example_scene(frames=1, people=1, rate=None))
    assert one == "Scene(1 frame, 1 person, paper19, focal 1000 px (default), single images)"
    assert repr(example_scene(frames=0, people=0)).startswith("Scene(0 frames, 0 people, ")


CHANGES: dict[str, dict[str, Any]] = {
    "a joint elsewhere": {"people": example_scene().people + np.float32(0.001)},
    "somebody who came": {"people": np.nan_to_num(example_scene().people)},
    "another shape": {"people": example_scene().people[:2]},
    "a joint seen": {"seen": ~example_scene().seen},
    "another name": {"names": ("a", "b", "c", "d")},
    "no rate": {"rate": None},
    "another skeleton": {"skeleton": PAPER23},
    "lists for arrays": {"height": [1.0]},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_scenes_are_equal_if_all_of_them_is(change: dict[str, Any]) -> None:
    scene = example_scene()
    assert scene == example_scene(), "NaN equals NaN"
    assert scene != replace(scene, **change)
    assert replace(scene, **change) == replace(scene, **change)


@pytest.mark.parametrize("other", [None, 3, "scene", np.zeros(3), [example_scene()]], ids=repr)
def test_a_scene_is_equal_to_nothing_else(other: object) -> None:
    assert (example_scene() == other) is False and (other == example_scene()) is False
    assert (example_scene() != other) is True and other not in [example_scene()]


def test_scenes_have_no_hash() -> None:
    with pytest.raises(TypeError, match="unhashable"):
        hash(example_scene())


@pytest.mark.parametrize("name", ["scene.npz", "scene.json"])
def test_a_scene_is_saved_and_loaded(name: str, tmp_path: Path) -> None:
    scene = example_scene()
    assert scene.save(tmp_path / name) == scene.save(str(tmp_path / name)) == [tmp_path / name]
    loaded = Scene.load(tmp_path / name)
    assert (loaded == scene) == (name == "scene.npz"), "JSON rounds"
    np.testing.assert_allclose(loaded.people, scene.people, atol=2e-4)
    with pytest.raises(InputError, match=r"its suffix is \.xyz; expected one of \.json"):
        scene.save(tmp_path / "scene.xyz")
    assert [file.name for file in scene.save(tmp_path / "two.bvh")] == ["two-1.bvh", "two-2.bvh"]


def test_a_table_has_a_row_for_every_joint_that_is_somewhere() -> None:
    pandas = pytest.importorskip("pandas")
    scene = example_scene(skeleton=PAPER23)
    table = scene.to_dataframe()
    columns = ["frame", "time", "name", "person", "joint", "x", "y", "z", "sigma", "visible"]
    columns += ["confidence", "deviation"]
    assert [*table.columns] == columns and len(table) == 7 * len(PAPER23)
    assert not table.isna().any().any()
    world = scene.world()
    for row in table.sample(50, random_state=0).itertuples():
        person, joint = scene.identities.index(row.person), PAPER23.index(row.joint)
        assert (row.x, row.y, row.z) == pytest.approx(world[row.frame, person, joint].tolist())
        assert row.visible == scene.seen[row.frame, person, joint]
        assert row.confidence == scene.confidence[row.frame, person]
        assert row.deviation == scene.deviation[row.frame, person, joint]
        assert (row.name, row.time) == (scene.names[row.frame], row.frame / 25)
    assert table.groupby(["frame", "person"]).size().index.tolist() == [
        (frame, scene.identities[person]) for frame, person in np.argwhere(scene.valid).tolist()
    ]
    back = table.pivot(index=["frame", "person"], columns="joint", values="y")
    assert back.loc[(0, 1), "head_top"] == pytest.approx(1.72, abs=1e-5)
    assert isinstance(table, pandas.DataFrame)


@pytest.mark.parametrize("size", [{"frames": 0}, {"people": 0}, {"rate": None}], ids=str)
def test_a_table_may_be_empty_or_without_times(size: dict[str, Any]) -> None:
    pytest.importorskip("pandas")
    scene = example_scene(**size)
    table = scene.to_dataframe()
    assert len(table) == scene.valid.sum() * len(PAPER19) and ("time" in table.columns) == bool(scene.rate)


@pytest.mark.parametrize("frame", [None, 0, 3, -1])
def test_a_frame_is_drawn(frame: int | None) -> None:
    figure = example_scene().plot(frame)
    shown = {None: 2, 0: 0, 3: 3, -1: 3}[frame]
    assert f"frame {shown + 1} of 4" in figure.texts[0].get_text()
    titles = ["2D poses", "the scene, a metre between strong lines", "from the side", "from above"]
    assert [axes.get_title("left") for axes in figure.axes] == titles


@pytest.mark.parametrize("frame", [4, -5])
def test_a_frame_that_is_not_there_is_refused(frame: int) -> None:
    with pytest.raises(InputError, match=f"frame is {frame}; expected -4 to 3"):
        example_scene().plot(frame)


def without(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    """Make a library be not installed."""

    def imported(name: str) -> ModuleType:
        if name.partition(".")[0] == missing:
            raise ImportError(f"No module named {name!r}")
        return import_module(name)

    monkeypatch.setattr("duolift.outputs.libraries.import_module", imported)


def test_libraries_that_are_missing_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, "matplotlib")
    with pytest.raises(InputError, match=r"plot\(\) needs matplotlib.*pip install -e '.\[outputs\]'"):
        example_scene().plot()
    assert "<table>" in example_scene()._repr_html_(), "which does without the picture"
    assert "<img" not in example_scene()._repr_html_()
    without(monkeypatch, "pandas")
    with pytest.raises(InputError, match=r"to_dataframe\(\) needs pandas.*expected: pip install pandas$"):
        example_scene().to_dataframe()


@pytest.mark.parametrize("size", [{}, {"frames": 0}, {"people": 0}, {"frames": 1, "rate": None}], ids=str)
def test_notebooks_show_a_table_and_a_picture_and_load_nothing(size: dict[str, Any]) -> None:
    evil = "<script>alert(1)</script>"
    scene = replace(example_scene(**size), notes=(evil,), skeleton=replace(PAPER19, name=evil))
    html = scene._repr_html_()
    assert evil not in html and "&lt;script&gt;" in html
    assert "<th>focal</th><td>focal 1000 px (default)</td>" in html
    assert re.findall(r'src="([^"]{22})', html) == ["data:image/png;base64,"]
    assert "http" not in html and len(html) < 200_000


def test_a_person_is_as_far_off_as_their_joints_are() -> None:
    scene = example_scene()
    off = np.full(scene.deviation.shape, 0.03, dtype=np.float32)
    off[0, 0, 0], off[1, 1] = 0.3, np.nan
    said = replace(scene, deviation=off).person_deviation
    assert said.shape == scene.confidence.shape and said.dtype == np.float32
    joints = len(scene.skeleton)
    assert said[0, 0] == pytest.approx(np.sqrt((0.09 + (joints - 1) * 0.0009) / joints))
    assert np.isnan(said[1, 1]) and said[2, 0] == pytest.approx(0.03)
