"""Real files, and what each must give; they are not ours to pass on, so this is skipped where they are not."""

import pytest
from conftest import SHARED

from duolift.inputs import read
from duolift.predictor import Lifter

CASES = SHARED / "data" / "cases"
ANOTHER_ORDER = "be in another order than the format's"

pytestmark = pytest.mark.skipif(not CASES.exists(), reason="the files are not here")


def doubted(name: str) -> list[bool]:
    """Whether the order of joints is doubted, of every image or video of a file."""
    frames = read(CASES / name)
    return [any(ANOTHER_ORDER in note for note in scene.notes) for _, scene in Lifter.load().lift_frames(frames)]


@pytest.mark.parametrize("name", ["h36m-order.json", "body25b"])
def test_joints_in_an_order_that_is_not_known_are_doubted(name: str) -> None:
    assert all(doubted(name))


@pytest.mark.parametrize("name", ["lone-jump.json", "hover-coco-196141.json", "gap.json", "id-swap.json"])
def test_joints_in_the_order_of_their_format_are_not(name: str) -> None:
    assert not any(doubted(name))
