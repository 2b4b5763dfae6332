"""A data set in a layout of its own, as docs/data.md adds one: a reader and an entry, and all else follows."""

import json
import re
from dataclasses import replace
from math import isfinite, isnan
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import REPOSITORY
from torch import Tensor

from datamodules.sources.registry import SOURCES, open_source
from datamodules.takes import CAMERA_SHAPES
from duolift.body.skeleton import PAPER19, PAPER23
from duolift.errors import InputError
from experiments.config import load
from experiments.data import image_size, open_data, read_takes
from experiments.train_lifter import train

JOINTS = tuple(reversed(PAPER19.joints))
"""An order of its own."""

PEOPLE, FRAMES = 3, 8
NAMES = ("Ann", "Bob", "Cho")
SUBJECTS = ("anna", "ben", "chris")


@pytest.fixture(autouse=True)
def own(monkeypatch: pytest.MonkeyPatch) -> None:
    """The source `mine`, as the documentation adds it."""
    (example,) = re.findall(
        r"^```python\n(.*?)^```", (REPOSITORY / "docs/data.md").read_text(), re.DOTALL | re.MULTILINE
    )
    monkeypatch.setitem(SOURCES, "mine", None)  # so that it is gone afterwards
    exec(example, {})


def write_take(path: Path, world: Tensor, seed: int) -> None:
    """A take with two ideal cameras that look at the origin from 5 m, along y and along x; NaN for joints unknown."""
    sights = {
        "left": ([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]], [0.0, -5, 1]),
        "right": ([[0.0, -1, 0], [0, 0, -1], [1, 0, 0]], [-5.0, 0, 1]),
    }
    lens = {"focal": [600.0 + seed] * 2, "principal": [320.0, 240.0], "radial": [0.0] * 3, "tangential": [0.0] * 2}
    people = [
        {
            NAMES[person]: [None if any(map(isnan, joint)) else joint for joint in joints]
            for person, joints in enumerate(frame)
            if not all(isnan(number) for joint in joints for number in joint)
        }
        for frame in world.tolist()
    ]
    take = {
        "joints": JOINTS,
        "image": [640, 480],
        "cameras": {name: {"rotation": turn, "centre": place, **lens} for name, (turn, place) in sights.items()},
        "frames": people,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(take))


def written(path: Path) -> Tensor:
    """A take's world, (frame, person, joint, 3), in which everybody is known throughout."""
    return torch.tensor([[frame[name] for name in sorted(frame)] for frame in json.loads(path.read_text())["frames"]])


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two takes of each of three subjects: people side by side, each an upright cloud of joints of its own."""
    for number, subject in enumerate(SUBJECTS):
        for take in ("walk", "talk"):
            world = (0.2 * torch.randn(FRAMES, PEOPLE, len(JOINTS), 3)).clamp(-0.5, 0.5)
            world[..., 2] += torch.linspace(0.5, 1.5, len(JOINTS))
            world[..., 0] += torch.arange(PEOPLE).float()[:, None] - 1
            write_take(tmp_path / "own" / subject / f"{take}.json", world, number)
    return tmp_path / "own"


def settings(root: Path, *more: str) -> list[str]:
    folder = root.parent
    sizes = [f"{stage}.{key}={value}" for stage in ("flows", "lifting") for key, value in (("width", 8), ("blocks", 1))]
    return [
        *(f"data.root={root}", "data.source=mine", "data.train=[anna,ben]", "data.evaluate=[chris]"),
        *(f"runs={folder}/runs", f"data.cache={folder}/cache", "wandb.mode=disabled", "compute.accelerator=cpu"),
        *(*sizes, "flows.epochs=1", "flows.batch_size=32", "lifting.batch_size=32", *more),
    ]


def test_scenes_have_all_people_in_the_skeletons_order_as_ideal_cameras_see_them(root: Path) -> None:
    config = load(settings(root))
    data = open_data(config, "person", 32)
    scenes = data.evaluation
    assert scenes.pixels.shape == (2 * 2 * FRAMES, PEOPLE, len(PAPER19), 2)
    assert scenes.sequences == tuple(
        f"chris/{take}/{camera}" for take in ("talk", "walk") for camera in ("left", "right")
    )
    world = written(root / "chris" / "talk.json")[:, :, [JOINTS.index(j) for j in PAPER19.joints]]
    assert scenes.truth is not None and scenes.up is not None
    seen = torch.stack(
        [world[..., 0], 1 - world[..., 2], world[..., 1] + 5], dim=-1
    )  # by the camera that looks along y
    torch.testing.assert_close(scenes.truth[:FRAMES], 1000 * seen)
    torch.testing.assert_close(
        scenes.pixels[:FRAMES], 602.0 * seen[..., :2] / seen[..., 2:] + torch.tensor([320.0, 240.0])
    )
    assert torch.equal(scenes.up[:FRAMES], torch.tensor([0.0, -1.0, 0.0]).expand(FRAMES, 3))
    assert data.training_poses.shape == (2 * 2 * 2 * FRAMES * PEOPLE, len(PAPER19), 2)
    assert image_size(config, data.image) == (640.0, 480.0)


def test_partners_of_three_people_are_among_the_three(root: Path) -> None:
    data = open_data(load(settings(root)), "person", 32, partners=True)
    assert len(data.training_partners[0]) == len(data.training_poses)
    scenes, unit = data.evaluation, data.normalisation
    rays = unit.coordinates(scenes)
    poses = data.partners_of(scenes).poses.unflatten(0, (len(scenes), PEOPLE))
    for person in range(PEOPLE):
        others = [o for o in range(PEOPLE) if o != person]
        candidates = torch.stack([unit(rays[:, o], rays[:, person, PAPER19.root_index]) for o in others], dim=1)
        assert (candidates - poses[:, person, None]).abs().amax((2, 3)).amin(1).max() < 1e-6


@pytest.mark.slow
def test_flows_and_a_lifter_are_trained_and_scored_on_it(root: Path) -> None:
    config = load(settings(root, "lifting.epochs=1"))
    stage = train(config, "whole")
    assert stage.finished and stage.settings["data"]["content"] == open_data(config, "person", 32).fingerprint
    rows = json.loads(stage.metrics.read_text())["rows"]
    assert rows and all(isfinite(row["metrics"]["pa_mpjpe_person_mm"]) for row in rows)


def test_the_fingerprint_is_of_the_content_and_of_what_was_asked_for(root: Path) -> None:
    config = load(settings(root))
    first = read_takes(config, ["anna"]).fingerprint
    assert read_takes(config, ["anna"]).fingerprint == first != read_takes(config, ["ben"]).fingerprint
    left = read_takes(load(settings(root, "data.cameras=[left]")), ["anna"])
    assert left.cameras == ("left",) and left.fingerprint != first
    write_take(root / "anna" / "walk.json", torch.zeros(1, PEOPLE, len(JOINTS), 3), 0)
    assert read_takes(config, ["anna"]).fingerprint != first


def test_other_settings_than_the_data_allows_are_refused_by_name(root: Path) -> None:
    with pytest.raises(InputError, match="no left_foot, left_toe, right_foot, right_toe, which the skeleton paper23"):
        read_takes(load(settings(root)), ["anna"]).scenes(PAPER23)
    with pytest.raises(InputError, match="scenes of 3 people; expected 2, lifted as one body"):
        open_data(load(settings(root)), "pair", 32)
    with pytest.raises(InputError, match="no takes of dora"):
        open_data(load(settings(root, "data.train=[dora]", "data.evaluate=[dora]")), "person", 32)
    with pytest.raises(InputError, match="no takes of dora; expected subjects among anna"):
        open_data(load(settings(root, "data.train=[anna]", "data.evaluate=[dora]")), "person", 32)


def test_it_has_forty_lines() -> None:
    """As its title says; the imports and the entry come on top."""
    text = (REPOSITORY / "docs/data.md").read_text()
    assert text.startswith("# Your own data set in forty lines")
    (example,) = re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    reader = example[example.index("def subjects_of") : example.index("SOURCES[")]
    assert len([line for line in reader.splitlines() if line.strip()]) <= 40


def test_people_come_and_go_and_may_lack_joints(root: Path) -> None:
    """Bob is away for four frames, and Cho's last joint is not known in one: neither is scored there."""
    world = written(root / "chris" / "talk.json")
    world[:4, 1], world[6, 2, -1] = torch.nan, torch.nan
    write_take(root / "chris" / "talk.json", world, 2)
    takes = read_takes(load(settings(root)), ["chris"])
    assert takes.known(0).all(-1).sum(-1).tolist() == [2, 2, 2, 2, 3, 3, 2, 3]
    scenes = open_data(load(settings(root)), "person", 32).evaluation
    assert scenes.valid is not None and scenes.present is not None
    assert scenes.valid[:FRAMES].sum(-1).tolist() == [2, 2, 2, 2, 3, 3, 2, 3]
    assert scenes.present[:FRAMES].sum(-1).tolist() == [2, 2, 2, 2, 3, 3, 3, 3]


def test_takes_of_different_numbers_of_people_are_read_together(root: Path) -> None:
    """Who is alone is trained on, and is nobody's company."""
    config = load(settings(root, "data.evaluate=[ben]", "data.train=[anna,chris]"))
    whole = read_takes(config, ["anna", "ben", "chris"])
    world = 0.1 * torch.randn(2, 1, len(JOINTS), 3)
    write_take(root / "ben" / "alone.json", world + torch.tensor([0.0, 0.0, 1.0]), 0)
    takes = read_takes(config, ["anna", "ben", "chris"])
    assert takes.people == PEOPLE and takes.valid is not None and len(takes.world) == len(whole.world) + 2
    take = takes.names.index("ben/alone")
    assert takes.known(take).all((0, 2)).tolist() == [True, False, False]
    scenes = takes.of(["ben"]).scenes(PAPER19)
    assert scenes.valid is not None and {*scenes.valid.sum(-1).tolist()} >= {1}
    data = open_data(config, "person", 32)
    assert (data.evaluation.everybody.sum(-1) >= 2).all(), "there is nothing to place of who is alone"
    assert len(data.validation_poses) == int(data.evaluation.everybody.sum())


def test_a_source_is_one_of_the_table_with_what_is_in_it_at_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load(["data.source=mine"]).data.source == "mine" and open_source("mine").name == "mine"
    monkeypatch.delitem(SOURCES, "mine")
    with pytest.raises(InputError, match=r"setting data\.source is 'mine'; expected one of synthetic, chi3d"):
        load(["data.source=mine"])
    with pytest.raises(InputError, match=r"data source 'chi3' is unknown \(did you mean chi3d\?\); expected one of"):
        open_source("chi3")


def test_the_size_of_images_is_the_sources_unless_a_setting_says_otherwise(root: Path) -> None:
    config = load(settings(root))
    assert config.data.image is None and image_size(config, (640.0, 480.0)) == (640.0, 480.0)
    assert image_size(load(settings(root, "data.image=[900,900]")), (640.0, 480.0)) == (900.0, 900.0)
    with pytest.raises(InputError, match=r"data.image is null, and mine does not say .*data.image=\[1920,1080\]"):
        image_size(config, None)


SPOILT: dict[str, tuple[dict[str, Any], str]] = {
    "shape": (
        {"world": torch.zeros(8, 3, 18, 3)},
        r"world is \(8, 3, 18, 3\) of torch.float32; expected \(8, 3, 19, 3\)",
    ),
    "kind": (
        {"world": torch.zeros(8, 3, 19, 3).double()},
        "world is .* of torch.float64; expected .* of torch.float32",
    ),
    "NaN": ({"world": torch.full((8, 3, 19, 3), torch.nan)}, "world holds NaN or infinity"),
    "no people": ({"world": torch.zeros(8, 19, 3)}, r"world is \(8, 19, 3\)"),
    "start": ({"start": torch.tensor([0, 9])}, r"start is \[0, 9\]; expected 0, .* 8"),
    "takes": ({"names": ("anna/talk", "anna/walk")}, r"start is \(2,\) of torch.int64; expected \(3,\)"),
    "cameras": ({"cameras": ("left",)}, r"rotation is \(1, 2, 3, 3\) .*; expected \(1, 1, 3, 3\)"),
}


@pytest.mark.parametrize(("change", "message"), SPOILT.values(), ids=SPOILT)
def test_a_readers_mistake_is_told_by_the_attribute(root: Path, change: dict[str, Any], message: str) -> None:
    (root / "anna" / "walk.json").unlink()
    takes = replace(read_takes(load(settings(root)), ["anna"]), valid=None)
    assert set(CAMERA_SHAPES) <= vars(takes.views).keys()
    with pytest.raises(ValueError, match=message):
        replace(takes, **change)
