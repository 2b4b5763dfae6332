"""People who come and go: whoever is not there changes nothing of what is measured of the others."""

import math
from dataclasses import replace

import matplotlib
import pytest
import torch
from conftest import lifter_module
from torch import Tensor

from callbacks.figures import rows_sheet, scene_sheet, side_sheet
from callbacks.figures.turning import turning_scenes
from callbacks.lifting import estimated_focal, lift_scenes, through_default_lens
from callbacks.rows import rows_of
from callbacks.scene_errors import SceneErrors, by_joint, cameras, depths_apart, distances
from callbacks.scene_pictures import level_pair, rows_picture, scenes_picture, seen_pixels
from callbacks.scoring import (
    FOUND,
    PCK,
    PCK_ABS,
    PRESENT,
    RECALL,
    RELATIVE,
    LiftedScenes,
    evaluate,
    robustness,
    score_masked,
    score_scenes,
)
from duolift.body.skeleton import PAPER19
from duolift.geometry.lifted import Lifted
from duolift.geometry.normalisation import Normalisation
from duolift.geometry.scene_batch import SceneBatch
from lightning_modules.lifter import LifterModule

ROWS = rows_of("whole")
IMAGE = (900.0, 900.0)
SIZE = 6000.0
ONLY_MASKED = (RECALL, PCK, PCK_ABS, f"{PCK}_of_everybody", f"{PCK_ABS}_of_everybody")


def with_absent(scenes: SceneBatch) -> SceneBatch:
    """The same scenes with somebody who is not there before their people, and somebody behind them."""

    def padded(values: Tensor) -> Tensor:
        absent = values[:, :1] + 10 * torch.randn_like(values[:, :1])
        return torch.cat([absent, values, absent + 1], dim=1)

    assert scenes.truth is not None
    valid = torch.tensor([False, True, True, False]).repeat(len(scenes), 1)
    return replace(scenes, pixels=padded(scenes.pixels), truth=padded(scenes.truth), valid=valid, present=valid.clone())


@pytest.fixture
def module() -> LifterModule:
    return lifter_module(scale=0.1).eval()


def test_whoever_is_not_there_changes_no_row(scenes: SceneBatch, module: LifterModule) -> None:
    alone = evaluate(module, ROWS, scenes, PAPER19, image=IMAGE, size=SIZE)
    beside = evaluate(module, ROWS, with_absent(scenes), PAPER19, image=IMAGE, size=SIZE)
    for row, other in zip(alone, beside, strict=True):
        assert other["name"] == row["name"] and {*other["metrics"]} == {*row["metrics"], *ONLY_MASKED}
        assert (RELATIVE in other["metrics"]) == (other["lifter"] == "whole")
        assert ("root_error_mm" in other["metrics"]) == (other["scale_about"] is None)
        for name, value in row["metrics"].items():
            assert other["metrics"][name] == pytest.approx(value, rel=2e-3, abs=2e-3), (row["name"], name)
    assert robustness(module, scenes, PAPER19)["0"] == pytest.approx(
        robustness(module, with_absent(scenes), PAPER19)["0"], rel=1e-4
    )


def test_units_and_poses_are_those_of_people_who_are_there(scenes: SceneBatch) -> None:
    padded = with_absent(scenes)
    for centring in ("ray", "shift"):
        fitted = Normalisation.fitted(padded, PAPER19, None, centring)
        assert fitted.scale == pytest.approx(Normalisation.fitted(scenes, PAPER19, None, centring).scale, rel=1e-5)
    torch.testing.assert_close(padded.of_people(padded.pixels), scenes.pixels.flatten(0, 1))
    assert padded.of_several(3).pixels.shape[0] == 0 and len(padded.of_several()) == len(scenes)
    joined = SceneBatch.concatenate([padded, padded])
    assert joined.valid is not None and len(joined.valid) == 2 * len(padded)


def test_recall_is_the_share_of_those_in_view_who_are_about_where_they_should_be(scenes: SceneBatch) -> None:
    """Of two people in view and one who is half in view, the two are found until one is moved by more than 500 mm."""
    padded = with_absent(scenes)
    assert padded.truth is not None
    present = torch.tensor([True, True, True, False]).repeat(len(scenes), 1)
    padded = replace(padded, present=present)
    exact = score_masked(padded.truth, padded, PAPER19.root_index)
    assert exact[FOUND].tolist() == [2.0] * len(scenes) and exact[PRESENT].tolist() == [3.0] * len(scenes)
    assert exact[PCK].tolist() == [100.0] * len(scenes) and exact[PCK_ABS].tolist() == [100.0] * len(scenes)
    assert exact[f"{PCK}_of_everybody"].tolist() == pytest.approx([200 / 3] * len(scenes))
    padded = replace(padded, truth=20 * padded.truth)  # giants, of whom 500 mm are a small part
    assert padded.truth is not None
    moved = padded.truth.clone()
    moved[:, 1, :, 2] += 60_000.0
    assert (score_masked(moved, padded, PAPER19.root_index)[FOUND] < 2).all()


def test_scenes_of_fewer_than_two_have_no_score_of_a_scene(scenes: SceneBatch) -> None:
    padded = with_absent(scenes)
    assert padded.valid is not None and padded.truth is not None
    padded.valid[0, 1] = False
    scores = score_masked(padded.truth, padded, PAPER19.root_index)["pa_mpjpe_mm"]
    assert math.isnan(scores[0]) and not scores[1:].isnan().any()


@pytest.fixture
def errors(scenes: SceneBatch, module: LifterModule) -> SceneErrors:
    padded = with_absent(scenes)
    return SceneErrors.of(LiftedScenes(padded, lift_scenes(module, padded, PAPER19)), ROWS[0])


def test_errors_by_scene_joint_and_camera_are_those_of_people_who_are_there(
    errors: SceneErrors, scenes: SceneBatch, module: LifterModule
) -> None:
    alone = SceneErrors.of(LiftedScenes(scenes, lift_scenes(module, scenes, PAPER19)), ROWS[0])
    torch.testing.assert_close(errors.scene, alone.scene, rtol=1e-3, atol=1e-2)
    torch.testing.assert_close(errors.person, alone.person, rtol=1e-3, atol=1e-2)
    one, other = (by_joint(of.alone, PAPER19) for of in (errors, alone))
    assert {name: len(values) for name, values in one.items()} == {name: len(values) for name, values in other.items()}
    root, padded = PAPER19.root_index, errors.lift.scenes
    torch.testing.assert_close(distances(padded, root), distances(scenes, root))
    torch.testing.assert_close(depths_apart(padded, root), depths_apart(scenes, root))
    assert cameras(padded, root) == cameras(scenes, root)
    scores = score_scenes(ROWS[0], errors.lift)
    assert scores[RECALL].shape == (len(scenes),) and FOUND not in scores


@pytest.mark.slow
def test_every_figure_leaves_out_whoever_is_not_there(errors: SceneErrors) -> None:
    """And shows everybody else: pictures reach as far as the scene does."""
    lift, chosen = errors.lift, torch.tensor([0, 5])
    pixels, (found, true) = seen_pixels(lift.scenes, chosen), level_pair(ROWS[0], lift, chosen)
    assert pixels[:, [0, 3]].isnan().all() and not pixels[:, 1:3].isnan().any()
    assert found[:, [0, 3]].isnan().all() and not found[:, 1:3].isnan().any()
    far = true + torch.tensor([[[[0.0, 0.0, 0.0]]], [[[0.0, 0.0, 0.0]]]])
    far[:, 1, :, 0] += 6000.0
    sheets = [
        scene_sheet(pixels, found, far, PAPER19),
        rows_sheet(pixels, {"a row": found}, far, PAPER19),
        side_sheet(pixels, {"a row": found}, far, PAPER19),
        scenes_picture(ROWS[0], lift),
        rows_picture(ROWS[:1], lift, lift),
    ]
    for sheet in sheets:
        sheet.savefig("/dev/null", format="png", dpi=20)
    assert sheets[0].axes[2].get_xlim()[1] > 2500.0, "somebody is further away than two people beside each other"
    names = {trace.name for trace in turning_scenes(found, true, PAPER19, ["one", "other"]).data}
    assert names == {"ground", "ground truth", "person 1", "person 2"}
    assert matplotlib.get_backend()


def test_an_unknown_lens_is_told_by_those_who_are_together_in_most_images(scenes: SceneBatch, lifted: Lifted) -> None:
    assumed = through_default_lens(scenes, IMAGE)
    whole = estimated_focal(lifted, assumed)
    valid = torch.ones_like(lifted.valid)
    valid[0, 0] = False
    some = estimated_focal(replace(lifted, valid=valid), replace(assumed, valid=valid, present=valid))
    torch.testing.assert_close(some.pixels, whole.pixels, rtol=0.2, atol=0)
    sizes = torch.tensor([[900.0, 900.0]]).repeat(len(scenes), 1)
    sizes[scenes.camera == scenes.camera[-1]] = torch.tensor([1800.0, 900.0])
    own = through_default_lens(replace(scenes, image=sizes), IMAGE)
    assert own.intrinsics.principal.unique(dim=0).tolist() == [[450.0, 450.0], [900.0, 450.0]]
