"""Properties of the figures: what they hold, that print embeds its fonts, and that an SVG stands in a page."""

import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from conftest import some_people
from PIL import Image
from torch import Tensor

from callbacks.figures import print_figure, svg, turning_scenes
from callbacks.figures.people import scene_sheet
from duolift.skeleton import PAPER19

FEET = PAPER19.feet


@pytest.fixture
def people() -> Tensor:
    """Two people in each of three scenes, millimetres, level."""
    return 1000 * some_people(3, 2)


def points(trace: dict) -> np.ndarray:
    """What a trace goes through, without gaps: (point, 3)."""
    rows = np.array([trace[axis] for axis in "xyz"], dtype=float).T
    return rows[~np.isnan(rows).any(1)]


def test_turning_scenes_hold_every_bone_of_everybody_over_a_ground_at_height_0(people: Tensor) -> None:
    found = people + 100 * torch.randn_like(people)
    figure = turning_scenes(found[:1], people[:1], PAPER19, ["one"]).to_dict()
    ground, truth, *bodies = figure["data"]
    assert set(points(ground)[:, 2]) == {0.0}
    assert len(points(truth)) == 2 * 2 * len(PAPER19.bones)
    expected = people[0].reshape(-1, 3) / 1000
    spans = np.ptp(points(truth), axis=0)
    assert spans == pytest.approx(np.ptp(expected.numpy()[:, [0, 2, 1]], axis=0), abs=2e-3), "x right, y away, z up"
    lefts = sum(child.startswith("left") for child, _ in PAPER19.bones)
    assert [len(points(body)) for body in bodies] == 2 * [2 * (len(PAPER19.bones) - lefts), 2 * lefts]
    assert len({body["line"]["color"] for body in bodies}) == 4
    assert not figure["layout"].get("updatemenus")


def test_feet_of_the_truth_stand_on_the_ground(people: Tensor) -> None:
    level = people.clone()
    level[..., 1] = level[..., 1].clamp_max(level[:, :, FEET, 1].amin((1, 2), keepdim=True))
    truth = turning_scenes(level[:1], level[:1], PAPER19, ["one"]).to_dict()["data"][1]
    assert points(truth)[:, 2].min() == pytest.approx(0, abs=1e-3)


def test_a_menu_shows_one_scene_at_a_time(people: Tensor) -> None:
    figure = turning_scenes(people, people, PAPER19, ["a", "b", "c"]).to_dict()
    (menu,) = figure["layout"]["updatemenus"]
    assert [button["label"] for button in menu["buttons"]] == ["a", "b", "c"]
    shown = np.array([button["args"][0]["visible"] for button in menu["buttons"]])
    assert (shown.sum(0) == 1).all() and len(set(shown.sum(1))) == 1
    assert [trace["visible"] for trace in figure["data"]] == shown[0].tolist()


def test_print_is_vectors_with_their_fonts_and_300_dots_an_inch(people: Tensor, tmp_path: Path) -> None:
    figure = scene_sheet(people[..., :2], people, people, PAPER19)
    pdf, png = print_figure(figure, tmp_path / "scenes.x")
    assert (pdf.name, png.name) == ("scenes.x.pdf", "scenes.x.png")
    content = pdf.read_bytes()
    assert content.startswith(b"%PDF") and b"/FontFile2" in content and b"/Type3" not in content
    assert b"/Subtype /Image" not in content
    with Image.open(png) as image:
        assert image.size == tuple(round(300 * size) for size in figure.get_size_inches())
        assert image.info["dpi"] == pytest.approx((300, 300), abs=0.1)
    assert {path.name for path in tmp_path.iterdir()} == {pdf.name, png.name}


def test_an_svg_stands_in_a_page_beside_others(people: Tensor) -> None:
    figure = scene_sheet(people[..., :2], people, people, PAPER19)
    one, other = (svg(figure, name) for name in ("one", "other"))
    root = ElementTree.fromstring(one)
    ids = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(ids) == len(set(ids)) and all(name.startswith("one-") for name in ids)
    used = set(re.findall(r"(?:url\(|href=\")#([\w-]+)", one))
    assert used and used <= set(ids)
    assert not set(ids) & set(re.findall(r'id="([^"]*)"', other))
    assert "currentColor" in one and "#000000" not in one and "http" not in one
    assert "from the side" in "".join(root.itertext())
