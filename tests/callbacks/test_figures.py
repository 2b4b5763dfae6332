"""Properties of the figures: what they hold, that print embeds its fonts, and that an SVG stands in a page."""

import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from conftest import some_people
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor

from callbacks.figures import (
    curves_chart,
    distribution_chart,
    elevation_chart,
    print_figure,
    scene_sheet,
    side_sheet,
    spread_chart,
    svg,
    turning_scenes,
)
from duolift.body.skeleton import PAPER19

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


def test_scenes_of_a_sheet_may_have_different_people_and_gaps(people: Tensor) -> None:
    """Bones with an unknown end are left out, and nothing else is lost of the picture."""
    gaps = people[1].clone()
    gaps[0, PAPER19.index("left_wrist")] = torch.nan
    scenes = [people[0, :1], gaps]
    figure = scene_sheet([scene[..., :2] for scene in scenes], scenes, scenes, PAPER19, reach=5000)
    assert [len(axis.collections) for axis in figure.axes] == [1, 2, *3 * [2, 4]]
    figure.draw_without_rendering()
    image = figure.axes[1]
    assert np.isfinite([*image.get_xlim(), *image.get_ylim()]).all()
    assert figure.axes[-1].get_xlim() == (-5000, 5000)


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


def labels(figure: Figure) -> list[str]:
    return [axis.get_xlabel() for axis in figure.axes]


def test_from_the_side_it_is_told_what_is_off(people: Tensor) -> None:
    raised = people + torch.tensor([0.0, -50.0, 0.0])
    figure = side_sheet(people[..., :2], {"exact": people, "raised": raised}, people, PAPER19)
    apart = (people[:, 0] - people[:, 1])[:, PAPER19.root_index].norm(dim=-1) / 1000
    told = np.reshape(labels(figure), (len(people), 3))
    for (image, exact, off), distance in zip(told, apart, strict=True):
        assert image == ""
        assert exact == f"off by 0 mm\nfeet +0, +0 cm\n{distance:.2f} m apart, truly {distance:.2f}"
        assert off == f"off by 50 mm\nfeet +5, +5 cm\n{distance:.2f} m apart, truly {distance:.2f}"


def test_spreads_are_means_and_middle_halves_and_say_how_many() -> None:
    groups = {"few": np.array([1.0, 2, 3, 4, 10]), "more": np.arange(9.0)}
    axis = spread_chart({"one": groups, "other": {name: 2 * values for name, values in groups.items()}}, "mm").axes[0]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["few  (5)", "more  (9)"]
    assert [list(line.get_xdata()) for line in axis.lines] == [[4, 4], [8, 8]]
    halves = [segment[:, 0].tolist() for lines in axis.collections for segment in lines.get_segments()]
    assert halves == [[2, 4], [2, 6], [4, 8], [4, 12]]
    alike = spread_chart({"one": {"a": np.arange(3.0), "b": np.arange(3.0)}}, "mm").axes[0]
    assert alike.get_xlabel() == "mm; 3 each"


def test_curves_show_every_value_negative_ones_too() -> None:
    curve = {1: 50.0, 2: 0.5, 3: -20.0}
    axis = curves_chart({"loss": curve}, "epoch", "loss", log=True).axes[0]
    (line,) = axis.lines
    assert line.get_xydata().tolist() == [[epoch, value] for epoch, value in curve.items()]
    low, high = axis.get_ylim()
    places = axis.transData.transform([(1, value) for value in (low, -20.0, 0.5, 50.0, high)])[:, 1]
    assert (np.diff(places) > 0).all() and np.isfinite(places).all()


def test_a_distribution_ends_at_the_worst() -> None:
    values = np.arange(1.0, 102.0)
    curve, end = distribution_chart({"one": values}, "mm").axes[0].lines
    assert np.interp(26.0, *curve.get_data()) == pytest.approx(25)
    assert end.get_xydata().tolist() == [[101, 100]]


def test_elevations_count_everybody_once() -> None:
    true = np.random.default_rng(0).uniform(-30, 0, 500)
    density = elevation_chart(true + 2, true).axes[0].collections[0]
    inside = density.get_array().sum()
    assert 0.98 * len(true) <= inside <= len(true), "but for the outermost"
