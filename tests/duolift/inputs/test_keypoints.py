"""Detectors' joints as the project's: names, rules, and what is missing."""

import re

import numpy as np
import pytest

from callbacks.figures import STANDING
from duolift.body.skeleton import mirror_name
from duolift.errors import InputError
from duolift.inputs.detections import JOINTS
from duolift.inputs.keypoints import FORMATS, RULES, KeypointFormat, format_named, format_of, to_joints

EVERY = pytest.mark.parametrize("layout", FORMATS.values(), ids=FORMATS)


def standing(layout: KeypointFormat) -> tuple[np.ndarray, np.ndarray]:
    """Somebody in a format's joints, (joint, 2) and (joint,), confidence telling the joints apart."""
    keypoints = np.array([STANDING.get(joint, (0.0, 0.0)) for joint in layout.joints], dtype=np.float64)
    sure = np.array([(0.5 + 0.003 * i) * (joint in STANDING) for i, joint in enumerate(layout.joints)])
    return keypoints, sure


def brought(layout: KeypointFormat, **confidence: float) -> tuple[dict[str, tuple[float, ...]], dict[str, float]]:
    """The same as the project's joints, by name; some of the format's joints with another confidence."""
    keypoints, sure = standing(layout)
    for joint, value in confidence.items():
        sure[layout.joints.index(joint)] = value
    places, found = to_joints(keypoints, sure, layout)
    return dict(zip(JOINTS.joints, map(tuple, places), strict=True)), dict(zip(JOINTS.joints, found, strict=True))


DOCUMENTED = {
    "body25": {
        "neck": 1,
        "left_wrist": 7,
        "pelvis": 8,
        "right_ankle": 11,
        "left_ear": 18,
        "left_toe": 19,
        "right_heel": 24,
    },
    "coco18": {"right_shoulder": 2, "right_hip": 8, "left_hip": 11, "right_eye": 14, "left_ear": 17},
    "mpi15": {"head_top": 0, "neck": 1, "right_shoulder": 2, "left_ankle": 13, "chest": 14},
    "coco17": {"nose": 0, "left_eye": 1, "left_shoulder": 5, "left_hip": 11, "right_ankle": 16},
    "crowdpose14": {"left_shoulder": 0, "right_ankle": 11, "head_top": 12, "neck": 13},
    "posetrack17": {"head_bottom": 1, "head_top": 2, "left_ear": 3, "left_shoulder": 5, "right_ankle": 16},
    "mpii16": {
        "right_ankle": 0,
        "left_hip": 3,
        "pelvis": 6,
        "neck": 7,
        "head_top": 9,
        "right_wrist": 10,
        "left_wrist": 15,
    },
    "wholebody133": {
        "left_toe": 17,
        "left_heel": 19,
        "right_toe": 20,
        "face_0": 23,
        "left_hand": 100,
        "right_thumb": 116,
    },
    "halpe26": {"right_ankle": 16, "head_top": 17, "neck": 18, "pelvis": 19, "right_toe": 21, "left_heel": 24},
    "halpe68": {"left_hand_0": 26, "left_hand": 35, "right_thumb": 51, "right_hand_20": 67},
    "halpe136": {"right_heel": 25, "face_67": 93, "left_thumb": 98, "right_hand": 124, "right_hand_20": 135},
    "h36m17": {"pelvis": 0, "right_hip": 1, "left_ankle": 6, "spine": 7, "neck": 8, "head_top": 10, "left_elbow": 12},
    "body25b": {"left_hip": 11, "right_ankle": 16, "head_bottom": 17, "head_top": 18, "left_toe": 19, "right_heel": 24},
    "mediapipe33": {
        "left_eye": 2,
        "right_eye": 5,
        "left_ear": 7,
        "left_shoulder": 11,
        "right_wrist": 16,
        "left_little_knuckle": 17,
        "right_index_knuckle": 20,
        "left_hip": 23,
        "right_ankle": 28,
        "left_heel": 29,
        "right_toe": 32,
    },
    "chi3d25": {"left_hip": 1, "right_hip": 4, "left_shoulder": 11, "right_hand": 24},
    "paper19": {"right_hip": 1, "left_hip": 4, "left_shoulder": 11, "right_hand": 18},
    "paper23": {"right_hip": 1, "left_foot": 19, "right_toe": 22},
}
"""Format -> joints at the numbers that its makers' documentation gives them."""


def test_joints_have_the_numbers_that_their_makers_give_them() -> None:
    assert DOCUMENTED.keys() == FORMATS.keys()
    for name, numbers in DOCUMENTED.items():
        assert {joint: FORMATS[name].joints.index(joint) for joint in numbers} == numbers
    lengths = {name: int(re.findall(r"\d+", name)[-1]) for name in FORMATS}
    assert {name: len(layout) for name, layout in FORMATS.items()} == lengths


@EVERY
def test_a_formats_own_joints_stay_where_and_as_sure_as_they_are(layout: KeypointFormat) -> None:
    keypoints, sure = standing(layout)
    places, found = brought(layout)
    for joint in layout.own:
        index = layout.joints.index(joint)
        assert places[joint] == tuple(keypoints[index])
        assert found[joint] == sure[index]


@EVERY
def test_every_joint_is_its_own_derived_or_missing(layout: KeypointFormat) -> None:
    _, found = brought(layout)
    assert sorted((*layout.own, *layout.derived, *layout.missing)) == sorted(JOINTS.joints)
    assert {joint for joint, sure in found.items() if sure > 0} == {*layout.own, *layout.derived}
    assert {"pelvis", "neck", "head", "head_top", "left_hand", "right_knee"} <= {*layout.own, *layout.derived}


@EVERY
def test_derived_joints_lie_where_they_do_on_the_figure(layout: KeypointFormat) -> None:
    places, _ = brought(layout)
    for joint in layout.derived:
        assert np.linalg.norm(np.subtract(places[joint], STANDING[joint])) < 3, joint


@EVERY
def test_left_stays_left(layout: KeypointFormat) -> None:
    """The figure faces the camera, so its left is on the right of the image."""
    places, found = brought(layout)
    left = [joint for joint in JOINTS.joints if joint.startswith("left") and found[joint]]
    assert len(left) >= 6
    assert all(places[joint][0] > 0 > places[mirror_name(joint)][0] for joint in left)


@EVERY
def test_a_mirrored_body_gives_mirrored_joints(layout: KeypointFormat) -> None:
    """Rules treat both sides alike."""
    rng = np.random.default_rng(0)
    keypoints, sure = rng.normal(size=(len(layout), 2)), rng.uniform(0.0, 1.0, len(layout))
    mirrored = [mirror_name(joint) for joint in layout.joints]
    order = [layout.joints.index(joint) if joint in layout.joints else i for i, joint in enumerate(mirrored)]
    places, found = to_joints(keypoints, sure, layout)
    others, others_found = to_joints(keypoints[order] * [-1, 1], sure[order], layout)
    np.testing.assert_allclose(others, places[JOINTS.mirror] * [-1, 1], atol=1e-12)
    np.testing.assert_allclose(others_found, found[JOINTS.mirror])


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.joint} from {'+'.join(rule.weights)}")
def test_a_rule_is_affine(rule) -> None:
    """It moves with the picture, and a joint is of no use to itself."""
    assert sum(rule.weights.values()) == pytest.approx(1.0)
    assert rule.joint not in rule.weights
    assert rule.joint in JOINTS.joints


def test_a_derived_joint_is_as_sure_as_the_least_sure_of_its_sources() -> None:
    _, found = brought(FORMATS["coco17"], left_hip=0.9, right_hip=0.4, left_shoulder=0.35, right_shoulder=0.8)
    assert (found["pelvis"], found["neck"]) == (0.4, 0.35)


def test_what_is_less_sure_than_the_threshold_is_missing_and_makes_nothing() -> None:
    places, found = brought(FORMATS["coco17"], left_elbow=0.29, left_shoulder=0.0)
    for joint in ("left_elbow", "left_shoulder", "neck", "left_hand", "head_top"):
        assert (places[joint], found[joint]) == ((0.0, 0.0), 0.0)
    assert found["left_wrist"] > 0 and found["right_hand"] > 0


def test_a_joint_that_the_detector_missed_follows_from_others() -> None:
    """OpenPose loses the neck and the mid hip more often than shoulders and hips."""
    places, found = brought(FORMATS["body25"], neck=0.0, pelvis=0.1)
    assert places["neck"] == STANDING["neck"] and places["pelvis"] == STANDING["pelvis"]
    assert found["neck"] > 0 and found["pelvis"] > 0


def test_one_hip_and_both_shoulders_tell_the_pelvis() -> None:
    for hidden in ("left_hip", "right_hip"):
        places, _ = brought(FORMATS["coco17"], **{hidden: 0.0})
        assert places["pelvis"] == pytest.approx((0.0, 0.0), abs=0.5)
    _, found = brought(FORMATS["coco17"], left_hip=0.0, right_hip=0.0)
    assert found["pelvis"] == 0


EYES, EARS = ("left_eye", "right_eye"), ("left_ear", "right_ear")


@pytest.mark.parametrize("hidden", [(), EARS[:1], (*EARS[:1], *EYES[:1]), EARS, EYES + EARS], ids=str)
def test_what_is_seen_of_a_face_tells_the_head(hidden: tuple[str, ...]) -> None:
    places, found = brought(FORMATS["coco17"], **dict.fromkeys(hidden, 0.0))
    assert np.linalg.norm(np.subtract(places["head"], STANDING["head"])) < 8
    assert found["head"] > 0 and found["head_top"] > 0


def test_people_are_brought_together_as_each_alone() -> None:
    layout, rng = FORMATS["halpe26"], np.random.default_rng(0)
    keypoints, sure = rng.normal(size=(3, 4, len(layout), 2)), rng.uniform(0, 1, (3, 4, len(layout)))
    places, found = to_joints(keypoints, sure, layout)
    alone, alone_found = to_joints(keypoints[1, 2], sure[1, 2], layout)
    assert np.array_equal(places[1, 2], alone) and np.array_equal(found[1, 2], alone_found)
    assert to_joints(keypoints[:0], sure[:0], layout)[0].shape == (0, 4, len(JOINTS), 2)


def test_a_files_own_names_are_understood() -> None:
    coco, human36m = FORMATS["coco17"], ["root", "right_hip", "right_knee", "right_foot"]
    assert format_of(coco.joints, "file") is coco
    assert format_of([name.replace("_", " ").title() for name in coco.joints], "file") is coco
    crowdpose = ["head" if joint == "head_top" else joint for joint in FORMATS["crowdpose14"].joints]
    assert format_of(crowdpose, "file") is FORMATS["crowdpose14"]
    human36m += [
        "left_hip",
        "left_knee",
        "left_foot",
        "spine",
        "thorax",
        "neck_base",
        "head",
        "left_shoulder",
        "right_shoulder",
    ]
    assert {*format_of(human36m, "file").own} == {
        *("pelvis", "spine", "neck", "head", "head_top", "left_shoulder", "right_shoulder"),
        *(f"{side}_{joint}" for side in ("left", "right") for joint in ("hip", "knee", "ankle")),
    }
    assert format_of(JOINTS.joints, "file") is FORMATS["chi3d25"], "with a head top, the head is the head"


def test_names_that_are_no_body_are_refused() -> None:
    with pytest.raises(InputError, match="file lacks left_hip, right_hip; expected names of joints"):
        format_of(["left_shoulder", "right_shoulder", "tail"], "file")
    with pytest.raises(InputError, match="nose more than once"):
        format_of([*FORMATS["coco17"].joints, "nose"], "file")
    with pytest.raises(
        InputError, match=r"joints 'coc' are unknown \(did you mean coco\?\); expected one of body25, coco18"
    ):
        format_named("coc")
