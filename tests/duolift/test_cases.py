"""Real files, and what each must give; they are not ours to pass on, so this is skipped where they are not."""

from pathlib import Path

import pytest
from conftest import SHARED

from duolift.inputs import Options, read
from duolift.predictor import Lifter

CASES = SHARED / "data" / "cases"
ANOTHER_ORDER = "be in another order than the format's"

pytestmark = pytest.mark.skipif(not CASES.exists(), reason="the files are not here")


def doubted(name: str, joints: str | None = None) -> list[bool]:
    """Whether the order of joints is doubted, of every image or video of a file."""
    frames = read(CASES / name, Options(joints=joints))
    return [any(ANOTHER_ORDER in note for note in scene.notes) for _, scene in Lifter.load().lift_frames(frames)]


@pytest.mark.parametrize(("name", "joints"), [("h36m-order.json", "h36m"), ("body25b", "body25b")])
def test_joints_in_another_order_are_doubted_until_it_is_named(name: str, joints: str) -> None:
    assert all(doubted(name)) and not any(doubted(name, joints))
    for _, scene in Lifter.load().lift_frames(read(CASES / name, Options(joints=joints))):
        head, pelvis = (scene.world()[..., scene.skeleton.index(joint), 1] for joint in ("head_top", "pelvis"))
        assert (head > pelvis + 0.4)[scene.valid].all()


def test_a_video_of_unknown_rate_plays_at_30_frames_a_second(tmp_path: Path) -> None:
    ((_, scene),) = Lifter.load().lift_frames(read(CASES / "rate.json"))
    file = scene.save(tmp_path / "scene.bvh")[0]
    assert "Frame Time: 0.03333333" in file.read_text()
    assert any("30 frames a second are assumed" in note for note in scene.notes)


@pytest.mark.parametrize("name", ["lone-jump.json", "hover-coco-196141.json", "gap.json", "id-swap.json"])
def test_joints_in_the_order_of_their_format_are_not(name: str) -> None:
    assert not any(doubted(name))
