"""The page about detectors' files tells what the code does."""

import re

import numpy as np
import torch

from callbacks.figures import JOINT_KINDS, formats_sheet
from duolift.body.skeleton import CHI3D25
from duolift.geometry.cameras import Intrinsics
from duolift.geometry.scene_batch import SceneBatch
from duolift.inputs import FILE_FORMATS, FORMATS
from duolift.inputs.ghosts import GHOSTS
from duolift.inputs.keypoints import PROPORTIONS, THRESHOLD
from duolift.inputs.sequences import SEQUENCES
from duolift.inputs.timeline import LIMITS
from duolift.inputs.tracking import TRACKING
from experiments.formats import DOCS, formats_table, rules_table

PAGE = (DOCS / "formats.md").read_text(encoding="utf-8")


def test_the_page_has_the_table_of_formats_and_every_layout() -> None:
    assert formats_table() in PAGE
    assert all(f"\n| `{name}` | " in PAGE for name in FILE_FORMATS)


def test_the_page_has_the_constants() -> None:
    body, tracking = PROPORTIONS, TRACKING
    texts = (
        *(f"{body.half_hips} shoulder widths", f"{body.hand} forearms", f"{body.head} of the way from neck"),
        *(f"{body.ball_of_foot} of the way from ankle", f"threshold={THRESHOLD}"),
        *(f"first {SEQUENCES.look} images", f"similarity of {SEQUENCES.alike}"),
        f"{LIMITS.frames:,} missing, and {LIMITS.times} times as many",
        *(f"{tracking.chunk:,} frames", f"{tracking.gap} frames", f"{GHOSTS.fleeting} frames"),
        *(f"{GHOSTS.long} frames", f"up to {GHOSTS.most} frames", f"{GHOSTS.same} of the person's size"),
    )
    assert all(text in PAGE.replace("\n", " ") for text in texts)


def test_the_sheet_shows_every_joint_of_every_format() -> None:
    """Named, in the colour of what it is; the second time just the same."""
    layouts = [FORMATS["coco17"], FORMATS["halpe136"]]
    axes = formats_sheet(layouts).axes
    for axis, again, layout in zip(axes, formats_sheet(layouts).axes, layouts, strict=False):
        named = {text.get_text().replace(" ", "_"): text for text in axis.texts}
        assert {*named} == {*CHI3D25.joints}
        for kind, colour in JOINT_KINDS.items():
            assert {named[joint].get_color() for joint in getattr(layout, kind)} <= {colour}
        drawn, redrawn = ([line.get_xydata() for line in one.lines] for one in (axis, again))
        assert all(np.array_equal(line, other) for line, other in zip(drawn, redrawn, strict=True))


def test_the_table_of_rules_tells_how_far_off_they_are() -> None:
    """A pelvis 10 pixels off the middle of the hips, 2 m from a camera of 1000 pixels: 20 mm."""
    pixels = 100 * torch.randn(5, 2, len(CHI3D25), 2)
    hips = pixels[:, :, CHI3D25.indices(("left_hip", "right_hip"))].mean(2)
    pixels[:, :, CHI3D25.root_index] = hips + torch.tensor([6.0, 8.0])
    scenes = SceneBatch(
        pixels=pixels,
        intrinsics=Intrinsics(
            focal=torch.full((5, 2), 1000.0),
            principal=torch.zeros(5, 2),
            radial=torch.zeros(5, 3),
            tangential=torch.zeros(5, 2),
        ),
        sequence=torch.zeros(5, dtype=torch.long),
        sequences=("one",),
        truth=torch.full((5, 2, len(CHI3D25), 3), 2000.0),
    )
    table = rules_table(scenes)
    assert "| pelvis | left_hip, right_hip | 20 |" in table
    assert len(re.findall(r"\| left_hand \| left_elbow, left_wrist \| \d+ \|", table)) == 1
