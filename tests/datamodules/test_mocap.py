"""Motion capture as a data set: exact places, cameras within their ranges, and one clear line for bad files."""

import json
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from math import isfinite
from pathlib import Path
from typing import Any

import bvhio
import numpy as np
import pytest
import torch
from conftest import SHARED
from numpy.typing import NDArray
from small_captures import (
    FIGURE,
    INCH,
    PROGRAMS,
    SIDES,
    AcclaimCapture,
    Capture,
    in_the_world,
    write,
    write_folder,
)

from datamodules.sources.mocap import reader
from datamodules.sources.mocap.asf_amc import read_amc, read_asf
from datamodules.sources.mocap.bodies import body_of, stature
from datamodules.sources.mocap.bvh import read_bvh
from datamodules.sources.mocap.files import captures_of
from datamodules.sources.mocap.joint_tables import JOINT_TABLES, REQUIRED, JointTable
from datamodules.sources.mocap.reader import read, subjects_of
from datamodules.sources.mocap.settings import MocapConfig, VirtualCameras
from datamodules.sources.registry import open_source
from datamodules.takes import Takes
from duolift.body.skeleton import CHI3D25, PAPER19, PAPER23
from duolift.errors import InputError
from duolift.example import example_scene
from duolift.geometry.normalisation import Normalisation
from duolift.outputs import write as write_scene
from experiments.config import load
from experiments.data import data_settings, open_data, read_takes
from experiments.train_lifter import train

Array = NDArray[np.float64]

ALONE = MocapConfig(rate=30.0, amc_rate=30.0, people=1)
"""Every frame of files of 30 frames a second, nobody in company."""


def one_file(tmp_path: Path, text: str, name: str = "02_01.bvh") -> Path:
    return write(tmp_path / "captures" / name, text)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_folder(tmp_path / "captures")


def world_of(takes: Takes, joint: str) -> Array:
    """(frame, person, 3), metres."""
    return takes.world[:, :, takes.joints.index(joint)].double().numpy()


# Kinematics -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", ["ZXY", "ZYX", "XYZ", "YXZ"])
@pytest.mark.parametrize("six", [(), ("Spine", "LeftArm", "RightLeg")], ids=["angles", "places too"])
def test_joints_of_a_bvh_are_where_another_reader_and_the_definition_have_them(
    tmp_path: Path, order: str, six: tuple[str, ...]
) -> None:
    capture = Capture.of(order=order)
    path = one_file(tmp_path, capture.text(unit=0.01, six=six))
    found, expected = read_bvh(path, most=1000).positions(), capture.places()
    assert found.keys() >= expected.keys()
    for name, places in expected.items():
        np.testing.assert_allclose(0.01 * found[name], places, atol=1e-6, err_msg=name)
    root = bvhio.readAsHierarchy(str(path))
    for frame in (0, 3):
        root.loadPose(frame)
        for joint, _, _ in root.layout():
            np.testing.assert_allclose(found[joint.Name][frame], [*joint.PositionWorld], atol=2e-3, err_msg=joint.Name)


def test_bones_of_an_asf_end_where_the_formats_definition_has_them(tmp_path: Path) -> None:
    capture = AcclaimCapture.of()
    skeleton = read_asf(one_file(tmp_path, capture.asf(), "07.asf"))
    motion = read_amc(one_file(tmp_path, capture.amc(), "07_01.amc"), skeleton, rate=120.0, most=1000)
    found = motion.positions()
    starts = {"root": "root", "lfemur": "ltibia", "ltibia": "lfoot", "lhumerus": "lradius", "rhand": "rfingers"}
    starts |= {"head": "head end", "rtoes": "rtoes end", "lthumb": "lthumb end", "thorax": "lclavicle"}
    for bone, start in starts.items():
        np.testing.assert_allclose(INCH * found[start], capture.places()[bone], atol=1e-7, err_msg=bone)


def test_radians_and_another_order_of_a_root_are_as_good(tmp_path: Path) -> None:
    capture = AcclaimCapture.of(frames=3)
    rows = []
    for line in capture.amc().splitlines():
        name, *values = line.split()
        if name == "root":
            rows.append(" ".join([name, *(str(np.deg2rad(float(v))) for v in values[3:]), *values[:3]]))
        elif values and not name.startswith(("#", ":")):
            rows.append(" ".join([name, *(str(np.deg2rad(float(v))) for v in values)]))
        else:
            rows.append(line.replace(":DEGREES", ":RADIANS"))
    asf = capture.asf().replace("order TX TY TZ RX RY RZ", "order RX RY RZ TX TY TZ")
    skeleton = read_asf(one_file(tmp_path, asf, "07.asf"))
    found = read_amc(one_file(tmp_path, "\n".join(rows), "07_01.amc"), skeleton, 120.0, 1000).positions()
    np.testing.assert_allclose(INCH * found["lfingers end"], capture.places()["lfingers"], atol=1e-7)


# Joints by name -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_programs_joints_become_ours_in_the_world(tmp_path: Path, program: str) -> None:
    capture = Capture.of(program)
    path = one_file(tmp_path, capture.text(unit=0.01, prefix="someone:"))
    body, places = body_of(read_bvh(path, 1000), path, ALONE), capture.places()
    assert set(REQUIRED) | {"left_foot", "right_foot"} <= body.keys()
    between = {"pelvis": 0.5 * (places[at(program, "left_hip")] + places[at(program, "right_hip")])}
    for joint in body.keys() - {"spine"}:
        expected = between[joint] if joint in between else places[at(program, joint)]
        np.testing.assert_allclose(body[joint], in_the_world(expected), atol=1e-6, err_msg=joint)
    assert stature(body) == pytest.approx(1.75, abs=0.1)


def at(program: str, joint: str) -> str:
    """The last of a program's joints that is at one of ours."""
    return [name for name, (_, ours) in PROGRAMS[program].items() if ours == joint][-1]


def test_the_cmu_databases_bones_become_our_joints(tmp_path: Path) -> None:
    capture = AcclaimCapture.of()
    skeleton = read_asf(one_file(tmp_path, capture.asf(), "07.asf"))
    path = one_file(tmp_path, capture.amc(), "07_01.amc")
    body, places = body_of(read_amc(path, skeleton, 120.0, 1000), path, ALONE), capture.places()
    assert body.keys() == set(CHI3D25.joints)
    bones = {"hip": "hipjoint", "knee": "femur", "ankle": "tibia", "foot": "foot", "toe": "toes", "thumb": "thumb"}
    bones |= {"shoulder": "clavicle", "elbow": "humerus", "wrist": "wrist", "hand": "fingers"}
    expected = {f"{side}_{joint}": places[side[0] + bone] for side in SIDES for joint, bone in bones.items()}
    expected |= {"spine": places["lowerback"], "head": places["upperneck"]}
    expected["pelvis"] = (expected["left_hip"] + expected["right_hip"]) / 2
    expected["neck"] = (places["thorax"] + places["lowerneck"]) / 2
    expected["head_top"] = places["upperneck"] + 1.9 * (places["head"] - places["upperneck"])
    for joint, place in expected.items():
        np.testing.assert_allclose(body[joint], in_the_world(place), atol=1e-6, err_msg=joint)


@pytest.mark.parametrize("skeleton", [PAPER19, PAPER23, CHI3D25], ids=lambda skeleton: skeleton.name)
def test_what_duolift_writes_is_read_again(tmp_path: Path, skeleton: Any) -> None:
    scene = example_scene(frames=40, people=1, skeleton=skeleton)
    (path,) = write_scene(scene, tmp_path / "scene.bvh")
    body = body_of(read_bvh(path, 1000), path, ALONE)
    assert body.keys() == set(skeleton.joints)
    for joint, places in body.items():
        expected = in_the_world(scene.world()[:, 0, skeleton.index(joint)])
        np.testing.assert_allclose(places, expected, atol=1e-4, err_msg=joint)


LOST = {"Neck": "Spine1", "LeftShoulder": "Spine1", "RightShoulder": "Spine1"}
"""Joint of the converted CMU database that lacks the bone before it -> the joint whose bone is as long."""


def test_bones_that_the_conversion_of_the_cmu_database_lost_are_put_back(tmp_path: Path) -> None:
    """Whole, the tree has a bone from Spine1 to the neck as long as that from Spine to Spine1; lost, it has none."""
    whole = cmu_bvh()
    lost = replace(whole, offsets={joint: 0 * v if joint in LOST else v for joint, v in whole.offsets.items()})
    bodies = []
    for name, capture in (("whole", whole), ("lost", lost)):
        path = one_file(tmp_path, capture.text(unit=INCH / 0.45), f"{name}.bvh")
        bodies.append(body_of(read_bvh(path, 1000), path, ALONE))
    for joint, places in bodies[0].items():
        np.testing.assert_allclose(bodies[1][joint], places, atol=1e-6, err_msg=joint)
    assert np.linalg.norm(lost.places()["Neck"] - whole.places()["Neck"], axis=-1).min() > 0.1


def cmu_bvh() -> Capture:
    """The figure in the names of the converted CMU database, as far as our joints need them."""
    parents = {"Hips": "", "LowerBack": "Hips", "Spine": "LowerBack", "Spine1": "Spine", "Neck": "Spine1"}
    parents |= {"Neck1": "Neck", "Head": "Neck1", "Head end": "Head"}
    up = np.array([0.0, 1.0, 0.0])
    offsets = dict(
        zip(parents, [FIGURE["pelvis"], *(step * up for step in (0, 0.12, 0.12, 0.12, 0.1, 0.1, 0.1))], strict=True)
    )
    for side, sign in (("Left", 1.0), ("Right", -1.0)):
        chain = {"UpLeg": "Hips", "Leg": "UpLeg", "Foot": "Leg", "ToeBase": "Foot", "ToeBase end": "ToeBase"}
        chain |= {"Shoulder": "Spine1", "Arm": "Shoulder", "ForeArm": "Arm", "Hand": "ForeArm", "FingerBase": "Hand"}
        chain |= {"HandIndex1": "FingerBase", "HandIndex1 end": "HandIndex1"}
        steps = [[0.1, -0.1, 0], [0, -0.42, 0], [0, -0.42, 0], [0, -0.03, 0.12], [0, 0, 0.06]]
        steps += [[0, 0.12, 0], [0.18, 0.05, 0], [0.28, 0, 0], [0.18, 0, 0], [0.09, 0, 0], [0.04, 0, 0], [0.03, 0, 0]]
        for (name, parent), step in zip(chain.items(), steps, strict=True):
            parents[f"{side}{name}"] = parent if parent in ("Hips", "Spine1") else f"{side}{parent}"
            offsets[f"{side}{name}"] = np.array(step) * [sign, 1, 1]
    rng, turning = np.random.default_rng(0), [name for name in parents if not name.endswith(" end")]
    angles = {name: rng.uniform(-10, 10, (4, 3)) for name in turning}
    angles |= {f"{side}Leg": rng.uniform(20, 40, (4, 3)) * [0, 0, 1] for side in ("Left", "Right")}
    return Capture(parents, offsets, "ZYX", np.tile(FIGURE["pelvis"], (4, 1)), angles)


def test_an_end_of_no_length_is_no_hand(tmp_path: Path) -> None:
    capture = Capture.of("Xsens")
    for side in ("Left", "Right"):
        capture.offsets[f"{side}Toe end"] = np.zeros(3)
    path = one_file(tmp_path, capture.text())
    body = body_of(read_bvh(path, 1000), path, ALONE)
    assert "left_toe" not in body and "left_foot" in body, "what may be missing is missing"
    capture.offsets["LeftWrist end"] = np.zeros(3)
    path = one_file(tmp_path, capture.text())
    with pytest.raises(InputError, match=r"nearest is xsens .*without left_hand.*expected LeftWrist end for left_hand"):
        body_of(read_bvh(path, 1000), path, ALONE)


def test_unknown_names_are_refused_with_what_was_found_and_expected(tmp_path: Path) -> None:
    path = one_file(tmp_path, Capture.of().text().replace("LeftForeArm", "LeftElbow"))
    with pytest.raises(InputError) as caught:
        read(path.parent, ["02"], settings=ALONE)
    message = str(caught.value)
    assert message.startswith(f"{path}: ") and "nearest is motionbuilder" in message
    assert (
        "without left_elbow" in message and "found Hips, Spine," in message and "LeftForeArm for left_elbow" in message
    )


def test_a_convention_can_be_added_from_outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = Capture.of().text().replace("Head", "Kopf")
    path = one_file(tmp_path, text)
    known = JOINT_TABLES["motionbuilder"]
    german = {
        joint: tuple({n.replace("Head", "Kopf"): w for n, w in place.items()} for place in places)
        for joint, places in known.joints.items()
    }
    with pytest.raises(InputError):
        read(path.parent, ["02"], settings=ALONE)
    monkeypatch.setitem(JOINT_TABLES, "mine", JointTable("mine", 0.01, german))
    assert len(read(path.parent, ["02"], settings=ALONE).world) == 6


def test_left_is_left(tmp_path: Path) -> None:
    """Legs whose names are swapped, all names swapped, and left-handed axes: the hips are on the other side."""
    text = Capture.of().text()
    legs = text
    for joint in ("UpLeg", "Leg", "Foot", "ToeBase", "Toe_End"):
        legs = legs.replace(f" Left{joint}\n", " ?\n").replace(f" Right{joint}\n", f" Left{joint}\n")
        legs = legs.replace(" ?\n", f" Right{joint}\n")
    everything = text.replace("Left", "?").replace("Right", "Left").replace("?", "Right")
    for number, swapped in enumerate((legs, everything)):
        path = one_file(tmp_path, swapped, f"0{number}_01.bvh")
        with pytest.raises(
            InputError, match=r"_01.bvh: the left hip lies on the right of the body in 100% of the poses"
        ):
            read(path.parent, [f"0{number}"], settings=ALONE)


# Units and axes -------------------------------------------------------------------------------------------------------


def test_another_unit_is_told_by_the_stature_and_can_be_set(tmp_path: Path) -> None:
    expected = read(one_file(tmp_path, Capture.of().text()).parent, ["02"], settings=ALONE)
    path = one_file(tmp_path, Capture.of().text(unit=1.0))
    with pytest.raises(InputError, match=r"is 0.017\d m tall with a unit of 0.01 m; .*metres_per_unit=1 \(metres\)"):
        read(path.parent, ["02"], settings=ALONE)
    found = read(path.parent, ["02"], settings=replace(ALONE, metres_per_unit=1.0))
    torch.testing.assert_close(found.world, expected.world, atol=1e-5, rtol=0)
    path = one_file(tmp_path, Capture.of().text(unit=0.123))
    with pytest.raises(InputError, match=r"is 0.14\d m tall .*expected 1.2 to 2.2 m, .*metres_per_unit=about 0.1"):
        read(path.parent, ["02"], settings=ALONE)


def test_files_whose_z_is_up_are_refused_until_it_is_said(tmp_path: Path) -> None:
    capture = Capture.of()
    flat = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])  # a file's axes as the world's
    turned = replace(capture, start=capture.start @ flat.T)
    lying = {"Hips": np.tile([0.0, 90.0, 0.0], (6, 1))}  # about x, which comes second
    expected = read(
        one_file(tmp_path, replace(capture, angles=capture.angles | {"Hips": np.zeros((6, 3))}).text()).parent,
        ["02"],
        settings=ALONE,
    )
    path = one_file(tmp_path, replace(turned, angles=capture.angles | lying).text())
    with pytest.raises(
        InputError, match=r"captures: heads are above feet in \d+% of the poses with data.mocap.up=y; .*up=z"
    ):
        read(path.parent, ["02"], settings=ALONE)
    found = read(path.parent, ["02"], settings=replace(ALONE, up="z"))
    torch.testing.assert_close(found.world, expected.world, atol=1e-5, rtol=0)


# Frames ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("rate", "kept"), [(120.0, range(0, 25, 12)), (30.0, range(0, 25, 3)), (5.0, range(25))])
def test_frames_are_thinned_to_the_rate(tmp_path: Path, rate: float, kept: range) -> None:
    capture = Capture.of(frames=25)
    path = one_file(tmp_path, capture.text(rate=rate))
    takes = read(path.parent, ["02"], settings=replace(ALONE, rate=10.0, spread=100.0))
    expected = in_the_world(capture.places()["Neck"][[*kept]])
    np.testing.assert_allclose(world_of(takes, "neck")[:, 0], expected, atol=1e-6)


def test_frames_of_an_amc_are_thinned_by_the_rate_that_a_setting_says(folder: Path) -> None:
    for amc_rate, frames in ((120.0, 4), (30.0, 14), (10.0, 40)):
        settings = replace(ALONE, rate=10.0, amc_rate=amc_rate)
        assert len(read(folder, ["07"], settings=settings).world) == 2 * frames


def test_a_rest_pose_before_the_motion_is_left_out(tmp_path: Path) -> None:
    capture = Capture.of(frames=6)
    rest = replace(capture, angles={name: a * (np.arange(6) > 0)[:, None] for name, a in capture.angles.items()})
    takes = read(one_file(tmp_path, rest.text()).parent, ["02"], settings=ALONE)
    np.testing.assert_allclose(world_of(takes, "neck")[:, 0], in_the_world(rest.places()["Neck"][1:]), atol=1e-6)
    still = replace(capture, angles={name: 0 * a for name, a in capture.angles.items()})
    path = one_file(tmp_path, still.text())
    with pytest.raises(InputError, match=r"02_01.bvh: no joint is turned in any frame; expected motion"):
        read(path.parent, ["02"], settings=ALONE)


def test_a_take_that_wanders_is_cut_where_cameras_would_lose_it(tmp_path: Path) -> None:
    capture = Capture.of(frames=50)
    capture.start[:, 0] += np.linspace(0, 9, 50)
    path = one_file(tmp_path, capture.text())
    settings = replace(ALONE, spread=1.5, longest=0.5)
    takes = read(path.parent, ["02"], settings=settings)
    assert takes.names[:2] == ("02/02_01.bvh 1", "02/02_01.bvh 2") and len(takes.names) > 5
    assert len(takes.world) == 50 and takes.start.diff().max() <= 15
    np.testing.assert_allclose(world_of(takes, "neck")[:, 0], in_the_world(capture.places()["Neck"]), atol=1e-5)
    for take in range(len(takes.names)):
        pelvis = takes.frames(take)[:, 0, takes.joints.index("pelvis"), :2]
        assert (pelvis.amax(0) - pelvis.amin(0)).max() <= 1.5
    assert not torch.equal(takes.views.centre[0], takes.views.centre[1])


# Subjects and people --------------------------------------------------------------------------------------------------


def test_subjects_are_folders_or_what_begins_the_names_of_files(folder: Path, tmp_path: Path) -> None:
    assert subjects_of(folder) == ["02", "05", "07"]
    assert subjects_of(folder / "bvh" / "05") == ["05"]
    assert [path.name for path in captures_of(folder)["07"]] == ["07_01.amc", "07_02.amc"]
    takes = read(folder, ["2", "07"], settings=ALONE)
    assert takes.names == ("2/02_01.bvh 1", "2/02_02.bvh 1", "07/07_01.amc 1", "07/07_02.amc 1")
    assert takes.joints == CHI3D25.joints and takes.people == 1 and len(takes.world) == 160
    with pytest.raises(InputError, match=r"captures: has no subject 3; expected subjects among 02, 05, 07"):
        read(folder, ["3"], settings=ALONE)
    with pytest.raises(InputError, match=r"nowhere: no such folder"):
        subjects_of(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"empty: holds no motion capture; expected files .bvh, or .amc"):
        subjects_of(tmp_path / "empty")


def test_joints_are_those_that_all_captures_have(folder: Path) -> None:
    one_file(folder.parent, Capture.of("Xsens", 40).text(), "xsens/walk.bvh")
    takes = read(folder, ["02", "xsens"], settings=ALONE)
    assert set(CHI3D25.joints) - set(takes.joints) == {"left_thumb", "right_thumb"}
    with pytest.raises(InputError, match=r"the data has no left_thumb, right_thumb, which the skeleton chi3d25 holds"):
        takes.scenes(CHI3D25)


def test_captures_of_one_take_are_a_scene_of_several_people(tmp_path: Path) -> None:
    people = [Capture.of(frames=12, seed=seed) for seed in (1, 2)]
    people[1].start[:, 0] += 1.0
    root = tmp_path / "captures"
    for subject, capture in zip(("18", "19"), people, strict=True):
        write(root / subject / f"{subject}_01.bvh", capture.text())
    write(root / "18" / "18_02.bvh", people[0].text())
    takes = read(root, ["18+19"], settings=ALONE)
    assert takes.names == ("18+19/01.bvh 1",) and takes.people == 2
    for person, capture in enumerate(people):
        np.testing.assert_allclose(
            world_of(takes, "neck")[:, person], in_the_world(capture.places()["Neck"]), atol=1e-5
        )
    both = read(root, ["18+19", "18"], settings=ALONE)
    assert both.people == 2 and both.valid is not None
    assert [bool(both.known(take)[:, 1].any()) for take in range(3)] == [True, False, False], "who is alone is alone"
    assert read(root, ["18+19", "18"], settings=replace(ALONE, people=2)).people == 2
    write(root / "19" / "19_01.bvh", Capture.of(frames=9).text())
    with pytest.raises(
        InputError, match=r"18_01.bvh and .*19_01.bvh: people of one take have 12 frames, .* and 9 frames"
    ):
        read(root, ["18+19"], settings=ALONE)
    (root / "19" / "19_01.bvh").rename(root / "19" / "19_07.bvh")
    with pytest.raises(InputError, match=r"no take of 18 and 19 together, found 18_01.bvh, 18_02.bvh, 19_07.bvh"):
        read(root, ["18+19"], settings=ALONE)


@pytest.mark.parametrize("people", [2, 3])
def test_people_who_were_captured_alone_are_set_down_together(folder: Path, people: int) -> None:
    alone = read(folder, ["02"], settings=ALONE)
    takes = read(folder, ["02"], settings=replace(ALONE, people=people))
    assert takes.people == people and takes.names == alone.names
    torch.testing.assert_close(takes.world[:, 0], alone.world[:, 0])
    pelvis = torch.from_numpy(world_of(takes, "pelvis"))[..., :2]
    apart = torch.stack([(pelvis[:, a] - pelvis[:, b]).norm(dim=-1) for a in range(people) for b in range(a)])
    assert apart.min() >= 0.8 - 1e-6 and apart.max() < 5.0
    heights = world_of(takes, "left_ankle")[..., 2]
    np.testing.assert_allclose(heights.mean(0), heights.mean(), atol=0.1, err_msg="on one ground")
    bones = [CHI3D25.indices(bone) for bone in CHI3D25.bones]
    lengths = torch.stack([(takes.world[:, :, a] - takes.world[:, :, b]).norm(dim=-1) for a, b in bones])
    assert (lengths - lengths[:, :1, :1]).abs().max() < 0.1, "they are whole"


# Cameras --------------------------------------------------------------------------------------------------------------

RANGES = {
    "default": VirtualCameras(),
    "narrow": VirtualCameras(
        3, [-40.0, -35.0], [4.0, 5.0], [30.0, 31.0], [6.0, 60.0], [0.3, 0.4], 0.0, 2.0, [900, 900]
    ),
    "wide": VirtualCameras(count=8, field_of_view_deg=[90.0, 100.0], fill=[0.9, 1.0], image=[600, 1200]),
}


@pytest.mark.parametrize("cameras", RANGES.values(), ids=RANGES)
@pytest.mark.parametrize("people", [1, 2])
def test_cameras_keep_their_ranges_and_have_everybody_in_the_picture(
    folder: Path, cameras: VirtualCameras, people: int
) -> None:
    settings = replace(ALONE, longest=0.2, people=people, cameras=cameras)
    takes = read(folder, ["02", "05", "07"], settings=settings)
    views, size = takes.views, torch.tensor(cameras.image)
    assert takes.cameras == tuple(f"virtual{n + 1}" for n in range(cameras.count)) and len(takes.names) > 30
    assert takes.image == tuple(cameras.image)
    ahead, right = views.rotation[..., 2, :], views.rotation[..., 0, :]
    field = 2 * torch.rad2deg(torch.atan(views.principal[..., 0] / views.focal[..., 0]))
    roll = torch.rad2deg(torch.asin(right[..., 2] / (1 - ahead[..., 2] ** 2).sqrt()))
    measured = {
        "elevation_deg": -torch.rad2deg(torch.asin(ahead[..., 2])),
        "field_of_view_deg": field,
        "roll_deg": roll,
    }
    for name, values in measured.items():
        low, high = getattr(cameras, name)
        assert values.min() >= low - 1e-3 and values.max() <= high + 1e-3, name
        if name != "roll_deg" or low < 0:
            assert values.max() - values.min() > 0.7 * (high - low), name
    torch.testing.assert_close(
        views.rotation @ views.rotation.mT, torch.eye(3).expand_as(views.rotation), atol=1e-5, rtol=0
    )
    assert (torch.linalg.det(views.rotation) > 0).all() and not views.radial.any()
    for take in range(len(takes.names)):
        world = takes.frames(take).flatten(0, 2)
        points = views[take].to_camera(world)  # (camera, point, 3)
        middle = views[take].to_camera((world.amin(0) + world.amax(0))[None] / 2)[..., 0, 2]
        nearest = points[..., 2].amin(1)
        assert nearest.min() > cameras.clearance - 1e-3
        assert middle.min() > cameras.distance[0] - 1e-3 and middle.max() < cameras.distance[1] + 1e-3
        furthest = ((views[take].project(points) / size - 0.5).abs() * 2).amax((1, 2))  # (camera,), 1 at the edge
        assert furthest.max() < cameras.fill[1] + 1e-3
        no_nearer = (nearest < cameras.clearance + 1e-3) | (middle < cameras.distance[0] + 1e-3)
        assert (no_nearer | (furthest > cameras.fill[0] - 1e-3)).all()


def test_cameras_stand_all_round_the_people(folder: Path) -> None:
    takes = read(folder, ["02"], settings=replace(ALONE, cameras=VirtualCameras(off_centre=0.0)))
    for take in range(len(takes.names)):
        pelvis = takes.frames(take)[:, 0, 0].mean(0)
        towards = takes.views.centre[take] - pelvis
        azimuth = torch.rad2deg(torch.atan2(towards[:, 1], towards[:, 0])).sort().values
        assert torch.cat([azimuth, azimuth[:1] + 360]).diff().max() < 190


def test_a_stretch_has_the_same_cameras_whatever_is_read_beside_it(folder: Path) -> None:
    some, all_of_them = (read(folder, subjects, settings=ALONE) for subjects in (["05"], ["02", "05"]))
    later = all_of_them.names.index("05/05_01.bvh 1")
    assert torch.equal(some.views.centre, all_of_them.views.centre[later:])
    other = read(folder, ["05"], settings=replace(ALONE, seed=1))
    assert torch.equal(other.world, some.world) and not torch.equal(other.views.centre, some.views.centre)


def test_people_too_far_apart_for_any_camera_are_told(folder: Path) -> None:
    cameras = VirtualCameras(distance=[1.5, 2.0], field_of_view_deg=[25.0, 30.0])
    with pytest.raises(
        InputError, match=r"02_01.bvh 1: people who fill .* m are in no picture from 2.0 m; expected wider"
    ):
        read(folder, ["02"], settings=replace(ALONE, cameras=cameras))


def test_cameras_are_chosen_by_name(folder: Path) -> None:
    every, one = read(folder, ["02"], settings=ALONE), read(folder, ["02"], ["virtual3"], settings=ALONE)
    assert one.cameras == ("virtual3",) and torch.equal(one.views.centre[:, 0], every.views.centre[:, 2])
    assert one.fingerprint != every.fingerprint
    with pytest.raises(InputError, match=r"data.cameras has left; expected some of virtual1, virtual2"):
        read(folder, ["02"], ["left"], settings=ALONE)


# Settings and cache ---------------------------------------------------------------------------------------------------


def test_a_second_read_parses_nothing_and_the_key_is_content_and_settings(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = read(folder, ["02", "07"], cache=tmp_path / "cache", settings=ALONE)

    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(reader, "_parse", fail)
        second = read(folder, ["02", "07"], cache=tmp_path / "cache", settings=ALONE)
    assert torch.equal(first.world, second.world) and torch.equal(first.views.centre, second.views.centre)
    assert (first.names, first.joints, first.image) == (second.names, second.joints, second.image)
    settings = [ALONE, replace(ALONE, rate=5.0), replace(ALONE, cameras=VirtualCameras(count=2))]
    keys = [read(folder, ["02", "07"], settings=each).fingerprint for each in settings]
    assert keys[0] == first.fingerprint
    for name in ("bvh/02/02_01.bvh", "asfamc/07/07.asf", "asfamc/07/07_02.amc"):
        path = folder / name
        path.write_text(path.read_text() + "\n")
        keys.append(read(folder, ["02", "07"], settings=ALONE).fingerprint)
    keys += [read(folder, some, settings=ALONE).fingerprint for some in (["02"], ["2"], ["07", "02"])]
    assert len(set(keys)) == len(keys) == 9
    folder.rename(tmp_path / "elsewhere")
    assert read(tmp_path / "elsewhere", ["02", "07"], settings=ALONE).fingerprint == keys[5]


def test_settings_reach_the_reader(folder: Path) -> None:
    arguments = [
        "data.source=mocap",
        f"data.root={folder}",
        "data.train=[02,05]",
        "data.evaluate=[07]",
        "data.cache=cache",
    ]
    config = load([*arguments, "data.mocap.rate=3", "data.mocap.amc_rate=30", "data.mocap.cameras.count=2"])
    assert config.data.mocap == MocapConfig(rate=3.0, amc_rate=30.0, cameras=VirtualCameras(count=2))
    source = open_source("mocap")
    assert source.subjects(folder) == ["02", "05", "07"] and source.configured is not None
    takes = source.configured(config.data.mocap).read(folder, ["07"])
    assert len(takes.world) == 2 * 4 and takes.people == 2 and len(takes.cameras) == 2


WRONG = {
    "data.mocap.rate=0": "data.mocap.rate is 0.0; expected a positive number",
    "data.mocap.up=x": "data.mocap.up is 'x'; expected one of y, z",
    "data.mocap.cameras.count=0": "data.mocap.cameras.count is 0; expected a positive number",
    "data.mocap.cameras.roll_deg=[5,-5]": "roll_deg is [5.0, -5.0]; expected two numbers between -180 and 180",
    "data.mocap.cameras.elevation_deg=[0,90]": "elevation_deg is [0.0, 90.0]; expected two numbers between -89 and 89",
    "data.mocap.cameras.distance=[3]": "distance is [3.0]; expected two numbers between 0.1 and 1000",
    "data.mocap.cameras.image=[640]": "image is [640]; expected width and height in pixels",
    "data.mocap.apart=[0.5,200]": "data.mocap.apart is [0.5, 200.0]; expected two numbers between 0 and 100",
    "data.mocap.camera.count=2": "data.mocap.camera is unknown (did you mean cameras?)",
}


@pytest.mark.parametrize(("argument", "message"), WRONG.items())
def test_wrong_settings_are_named(argument: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        load([argument])
    assert message in str(caught.value)


def test_other_sources_runs_keep_the_data_settings_that_they_have() -> None:
    """What finished runs are compared with: it must not grow."""
    config = load([])
    data: Any = type("Data", (), {"fingerprint": "f"})()
    keys = ["train", "evaluate", "cameras", "skeleton", "c", "normalisation", "held_out", "extra_share", "content"]
    assert [*data_settings(config, data)] == keys


def test_bvhio_is_asked_for_by_the_extra_that_installs_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bvhio", None)
    with pytest.raises(
        InputError, match=r"\.bvh needs bvhio, which is not installed .*expected: pip install -e '\.\[mocap\]'"
    ):
        read(folder, ["02"], settings=ALONE)
    assert read(folder, ["07"], settings=ALONE).people == 1, "ASF/AMC needs no library"


# Bad input ------------------------------------------------------------------------------------------------------------

Sabotage = Callable[[str], str]


def replaced(old: str, new: str) -> Sabotage:
    def sabotage(text: str) -> str:
        assert old in text
        return text.replace(old, new, 1)

    return sabotage


def without(pattern: str) -> Sabotage:
    return lambda text: re.sub(pattern, "", text, count=1)


def in_the_last_line(change: Callable[[list[str]], object]) -> Sabotage:
    def sabotage(text: str) -> str:
        *lines, last = text.rstrip("\n").split("\n")
        words = last.split()
        change(words)
        return "\n".join([*lines, " ".join(words)]) + "\n"

    return sabotage


BAD_BVH: dict[str, tuple[Sabotage, str]] = {
    "empty": (lambda text: "", "no lines MOTION, Frames and Frame Time; expected a BVH file"),
    "cut off in the hierarchy": (lambda text: text[:900], "no lines MOTION, Frames and Frame Time"),
    "cut off in the frames": (lambda text: text[: text.rindex("\n", 0, -1) + 1], "Frames is 6, and 5 lines of numbers"),
    "cut off in a line": (lambda text: text[: text.rindex("\n", 0, -1) + 30], "frame 5 has 3 numbers; expected"),
    "no frames": (lambda text: text[: text.index("Frame Time")] + "Frame Time: 0.03\n", "Frames is 6, and 0 lines"),
    "no frames at all": (
        lambda text: text[: text.index("Frames")] + "Frames: 0\nFrame Time: 0.03\n",
        "Frames is 0, and 0 lines",
    ),
    "NaN": (
        in_the_last_line(lambda words: words.__setitem__(7, "nan")),
        "frame 5 has Spine Xrotation nan; expected finite",
    ),
    "infinite": (in_the_last_line(lambda words: words.__setitem__(0, "1e999")), "frame 5 has Hips Xposition inf"),
    "a word": (in_the_last_line(lambda words: words.__setitem__(0, "left")), "what is no number (could not convert"),
    "one number more": (in_the_last_line(lambda words: words.append("0")), "numbers; expected"),
    "no frame time": (replaced("Frame Time: 0.033333333", "Frame Time: 0"), "Frame Time is 0; expected seconds"),
    "a brace too few": (
        replaced("  }\n}\nMOTION", "  }\nMOTION"),
        "its hierarchy is not as BVH has it (Joint definition must",
    ),
    "a channel too few": (
        replaced("CHANNELS 3", "CHANNELS 4"),
        "its hierarchy is not as BVH has it (Channel count mismatch",
    ),
    "an unknown channel": (replaced("Xrotation", "Xscale"), "has a channel Xscale; expected Xposition, Xrotation"),
    "an axis twice": (
        replaced("Zrotation Xrotation", "Zrotation Zrotation"),
        "Hips turns about ZZY; expected up to three",
    ),
    "an offset without end": (
        lambda text: re.sub(r"(JOINT LeftForeArm\n.*\n.*OFFSET) \S+", r"\1 1e300", text),
        "left_elbow is at inf m; expected finite numbers of less than 1e+05 m",
    ),
    "an offset of words": (
        replaced("OFFSET 0", "OFFSET x"),
        "its hierarchy is not as BVH has it (Offset must be numeric",
    ),
    "no end": (without(r" +End Site\n +\{\n.*\n +\}\n"), "7 limbs end, and there are 6 End Sites; expected one for"),
    "a name twice": (replaced("JOINT Neck", "JOINT Spine"), "several joints are called Spine; expected each name once"),
    "binary": (lambda text: "\x00\xff" * 500, "no lines MOTION"),
}


@pytest.mark.parametrize(("sabotage", "message"), BAD_BVH.values(), ids=BAD_BVH)
def test_a_bad_bvh_is_one_line_that_names_the_file(tmp_path: Path, sabotage: Sabotage, message: str) -> None:
    path = one_file(tmp_path, sabotage(Capture.of().text()))
    with pytest.raises(InputError) as caught:
        read(path.parent, ["02"], cache=tmp_path / "cache", settings=ALONE)
    told = str(caught.value)
    assert told.startswith(str(path)) and message in told and "\n" not in told and len(told) < 500, told
    assert not (tmp_path / "cache").exists()


BAD_AMC: dict[str, tuple[Sabotage, str]] = {
    "empty": (lambda text: "", "expected the number of a frame, is the file empty?"),
    "no frames": (lambda text: text[: text.index("\n1\n")], "expected the number of a frame, is the file empty?"),
    "cut off in a frame": (lambda text: text[: text.rindex("rtibia")], "words follow frame 5; expected"),
    "NaN": (lambda text: re.sub(r"ltibia \S+", "ltibia nan", text, count=1), "frame 1 has ltibia nan; expected finite"),
    "a bone of no skeleton": (replaced("ltibia", "tail"), "frame 1 has a bone tail; expected those of"),
    "a bone less": (lambda text: re.sub(r"\nhead .*", "", text), "frame 1 lacks head"),
    "a word": (in_the_last_line(lambda words: words.__setitem__(1, "left")), "has what is no number"),
    "a frame unlike the first": (
        lambda text: "lfoot".join(text.rsplit("rfoot", 1)),
        "frame 6 has lfoot where rfoot belongs; expected every frame alike",
    ),
    "infinite": (in_the_last_line(lambda words: words.__setitem__(1, "1e999")), "inf; expected finite numbers"),
}


@pytest.mark.parametrize(("sabotage", "message"), BAD_AMC.values(), ids=BAD_AMC)
def test_a_bad_amc_is_one_line_that_names_the_file(tmp_path: Path, sabotage: Sabotage, message: str) -> None:
    capture = AcclaimCapture.of()
    one_file(tmp_path, capture.asf(), "07.asf")
    path = one_file(tmp_path, sabotage(capture.amc()), "07_01.amc")
    with pytest.raises(InputError) as caught:
        read(path.parent, ["07"], settings=ALONE)
    told = str(caught.value)
    assert told.startswith(str(path)) and message in told and "\n" not in told and len(told) < 500, told


BAD_ASF: dict[str, tuple[Sabotage, str]] = {
    "empty": (lambda text: "", "no section :units"),
    "cut off": (lambda text: text[: text.index(":hierarchy") - 20], "no section :hierarchy"),
    "cut off in a bone": (lambda text: text[: text.index("name head")] + ":hierarchy\n", "no end of its last bone"),
    "no length": (replaced("length 0.45", "length 0"), "units length is 0.0; expected a positive number"),
    "no direction": (replaced("     direction", "     way"), "bone lowerback has no direction"),
    "a direction of two": (replaced("direction 0.000000000 ", "direction "), "direction of bone lowerback is"),
    "a length of words": (
        lambda text: text.replace("     length ", "     length x", 1),
        "length of bone lowerback is x",
    ),
    "axes of no order": (replaced("  XYZ", "  XYY"), "order of the axis of bone lowerback is XYY; expected XYZ"),
    "a bone that gets longer": (replaced("dof rx", "dof l"), "dof of bone lowerback is ('l',"),
    "a bone twice": (replaced("name upperback", "name lowerback"), "bonedata has a bone called 'lowerback'"),
    "a bone without a parent": (replaced("    lfoot ltoes\n", ""), "hierarchy is no ltoes; expected every bone"),
    "a bone with two parents": (replaced("    lfoot ltoes\n", "    lfoot ltoes head\n"), "hierarchy is head; expected"),
    "a stranger": (
        replaced("    lfoot ltoes\n", "    lfoot ltoes tail\n"),
        "hierarchy is tail; expected bones of bonedata",
    ),
    "a root that stays": (replaced("TX TY TZ", "TX TY"), "root order is ('tx', 'ty', 'rx'"),
    "begin twice": (replaced("  end\n", "  begin\n"), "bonedata has begin twice in a row"),
}


@pytest.mark.parametrize(("sabotage", "message"), BAD_ASF.values(), ids=BAD_ASF)
def test_a_bad_asf_is_one_line_that_names_the_file(tmp_path: Path, sabotage: Sabotage, message: str) -> None:
    capture = AcclaimCapture.of()
    path = one_file(tmp_path, sabotage(capture.asf()), "07.asf")
    one_file(tmp_path, capture.amc(), "07_01.amc")
    with pytest.raises(InputError) as caught:
        read(path.parent, ["07"], settings=ALONE)
    told = str(caught.value)
    assert told.startswith(str(path)) and message in told and "\n" not in told and len(told) < 500, told


def test_an_amc_without_its_skeleton_is_refused(folder: Path) -> None:
    (folder / "asfamc" / "07" / "07.asf").rename(folder / "asfamc" / "07" / "someone.asf")
    assert len(read(folder, ["07"], settings=ALONE).world) == 80, "the only one there is its"
    write(folder / "asfamc" / "07" / "another.asf", AcclaimCapture.of().asf())
    with pytest.raises(
        InputError,
        match=r"07_01.amc: its skeleton is not beside it \(found another.asf, someone.asf\); expected 07.asf",
    ):
        read(folder, ["07"], settings=ALONE)


# Training -------------------------------------------------------------------------------------------------------------


def arguments(folder: Path, *more: str) -> list[str]:
    sizes = [f"{stage}.{key}={value}" for stage in ("flows", "lifting") for key, value in (("width", 8), ("blocks", 1))]
    return [
        *("experiment=quick", f"runs={folder.parent}/runs", f"data.cache={folder.parent}/cache", "wandb.mode=disabled"),
        *(*sizes, "flows.epochs=1", "flows.batch_size=32", "lifting.epochs=1", "lifting.batch_size=32"),
        *("flows.parts=[whole]", "lifting.likelihoods=[whole]", "data.mocap.amc_rate=30", "compute.accelerator=cpu"),
        *more,
    ]


@pytest.mark.slow
def test_flows_and_a_lifter_are_trained_and_scored_on_it(folder: Path) -> None:
    config = load(
        arguments(folder, "data.source=mocap", f"data.root={folder}", "data.train=[02,05]", "data.evaluate=[07]")
    )
    stage = train(config, "whole")
    assert stage.finished
    rows = json.loads(stage.metrics.read_text())["rows"]
    assert rows and all(isfinite(row["metrics"]["pa_mpjpe_mm"]) for row in rows)
    data = open_data(config, "person", 32)
    assert stage.settings["data"]["content"] == data.fingerprint and data.image == (1280.0, 960.0)


def test_people_alone_are_served_and_not_placed(folder: Path) -> None:
    given = ["data.source=mocap", f"data.root={folder}", "data.train=[02]", "data.evaluate=[07]", "data.mocap.people=1"]
    config = load(arguments(folder, *given))
    assert open_data(config, "person", 32).alone
    with pytest.raises(InputError, match=r"captures: holds single people; expected 2 or more together, .*people=2"):
        read_takes(config, ["07"])


def test_it_joins_another_data_sets_poses(folder: Path) -> None:
    extra = f"data.extra=[mocap:{folder}]"
    given = [f"data.root={folder.parent}/synthetic", "data.synthetic.takes=1", "data.synthetic.frames=6"]
    alone, joined = (open_data(load(arguments(folder, *given, *more)), "person", 32) for more in ([], [extra]))
    added = len(joined.training_poses) - len(alone.training_poses)
    assert added == len(alone.training_poses) // 2, "half as many, as data.extra_share says"
    assert joined.fingerprint.startswith(alone.fingerprint) and joined.fingerprint != alone.fingerprint
    assert joined.training_poses.isfinite().all()
    with pytest.raises(InputError, match=r"nowhere: no such folder"):
        open_data(load(arguments(folder, *given, "data.extra=[mocap:nowhere]")), "person", 32)


def test_a_perfect_lift_of_it_is_the_people(folder: Path) -> None:
    scenes = read(folder, ["02"], settings=replace(ALONE, people=2)).scenes(PAPER19)
    bodies = Normalisation.fitted(scenes, PAPER19, None, "ray").true_bodies(scenes, PAPER19)
    assert scenes.truth is not None and scenes.up is not None
    assert bodies.isfinite().all() and scenes.pixels.isfinite().all()
    head, foot = scenes.truth[:, :, PAPER19.head_index], scenes.truth[:, :, PAPER19.index("left_ankle")]
    assert (((head - foot) * scenes.up[:, None]).sum(-1) > 800).all(), "millimetres, upright"


# Captures that are not the project's ----------------------------------------------------------------------------------

MOCAP = SHARED / "data" / "mocap"
needs_captures = pytest.mark.skipif(not MOCAP.is_dir(), reason="the captures are not here")


@needs_captures
@pytest.mark.parametrize(
    ("part", "subjects", "frames"), [("asfamc", 3, 19451), ("bvh", 14, 20871), ("bvh_fingers", 2, 8950)]
)
def test_every_capture_is_read(part: str, subjects: int, frames: int) -> None:
    found = subjects_of(MOCAP / part)
    takes = read(MOCAP / part, found, settings=ALONE)
    assert (len(found), len(takes.world)) == (subjects, frames)
    assert set(CHI3D25.joints) - set(takes.joints) == ({"left_toe", "right_toe"} if part == "bvh_fingers" else set())


@needs_captures
def test_a_capture_is_the_same_in_both_formats() -> None:
    """The bones that the conversion lost are put back to within 6 mm."""
    bodies = []
    for path in (MOCAP / "asfamc/02/02_01.amc", MOCAP / "bvh/02/02_01.bvh"):
        motion = (
            read_bvh(path, 30.0)
            if path.suffix == ".bvh"
            else read_amc(path, read_asf(path.parent / "02.asf"), 30.0, 30.0)
        )
        bodies.append(body_of(motion, path, ALONE))
    for joint in CHI3D25.joints:
        far = np.linalg.norm(bodies[0][joint] - bodies[1][joint], axis=-1).max()
        assert far < 0.006, (joint, far)


@needs_captures
def test_people_have_human_proportions() -> None:
    takes = read(MOCAP, subjects_of(MOCAP), settings=replace(ALONE, rate=1.0))
    body = {joint: world_of(takes, joint)[:, 0] for joint in takes.joints}
    assert stature(body) == pytest.approx(1.7, abs=0.08)
    for (child, parent), (low, high) in {
        ("left_knee", "left_hip"): (0.33, 0.45),
        ("left_ankle", "left_knee"): (0.38, 0.48),
        ("left_elbow", "left_shoulder"): (0.24, 0.34),
        ("left_wrist", "left_elbow"): (0.2, 0.33),
        ("neck", "pelvis"): (0.35, 0.6),
        ("head_top", "neck"): (0.2, 0.4),
    }.items():
        length = np.linalg.norm(body[child] - body[parent], axis=-1)
        assert low < length.min() and length.max() < high, (child, length.min(), length.max())
