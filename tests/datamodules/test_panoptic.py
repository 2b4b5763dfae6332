"""CMU Panoptic as distributed: its joints and cameras on real records and on synthetic ones, and what is refused."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import SHARED
from small_companies import PANOPTIC_SEQUENCES, copied, panoptic_root

from datamodules.sources import panoptic
from datamodules.sources.panoptic import DEFAULT, JOINTS, KEPT, POSES, PanopticConfig, read, subjects_of
from datamodules.sources.registry import PANOPTIC
from datamodules.takes import Takes
from duolift.body.skeleton import DETECTOR15
from duolift.errors import InputError
from experiments.config import load
from experiments.data import open_data

SAMPLE = SHARED / "data/samples/panoptic"
TRAIN, HAGGLING, PIZZA = PANOPTIC_SEQUENCES
EVERY = PanopticConfig(every=1)


def pixels_by_hand(camera: dict[str, Any], point: list[float]) -> tuple[float, float]:
    """A point of the files' world, centimetres, in the image: OpenCV's model, written out."""
    x, y, z = (
        sum(r * p for r, p in zip(row, point, strict=True)) + t[0]
        for row, t in zip(camera["R"], camera["t"], strict=True)
    )
    x, y = x / z, y / z
    k1, k2, p1, p2, k3 = camera["distCoef"]
    r2 = x * x + y * y
    radial = 1 + k1 * r2 + k2 * r2**2 + k3 * r2**3
    u = x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x)
    v = y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y
    (fx, _, cx), (_, fy, cy), _ = camera["K"]
    return fx * u + cx, fy * v + cy


def camera_of(root: Path, sequence: str, name: str) -> dict[str, Any]:
    calibration = json.loads((root / sequence / f"calibration_{sequence}.json").read_text())
    return next(camera for camera in calibration["cameras"] if camera["name"] == name)


def projected(takes: Takes, take: int, camera: int) -> torch.Tensor:
    """(frame, person, joint, 2)."""
    view = takes.views[take, camera]
    world = takes.frames(take)
    return view.project(view.to_camera(world.flatten(0, 2))).view(*world.shape[:3], 2)


def bodies(root: Path, sequence: str, frame: int) -> list[dict[str, Any]]:
    text = (root / sequence / POSES / f"body3DScene_{frame:08d}.json").read_text()
    found: list[dict[str, Any]] = json.loads(text)["bodies"]
    return found


@pytest.mark.skipif(not SAMPLE.exists(), reason="the data set's records are not here")
def test_a_real_record_is_where_its_calibration_has_it() -> None:
    """Band 1, frame 168, the first person's right shoulder: (1566.4, 929.8) by camera 16, by hand."""
    takes = read(SAMPLE, ["160906_band1"], settings=EVERY)
    assert takes.cameras == ("00_16", "00_30") and takes.image == (1920.0, 1080.0)
    assert takes.people == 3 and len(takes.world) == 2
    (person, *_), camera = bodies(SAMPLE, "160906_band1", 168), camera_of(SAMPLE, "160906_band1", "00_16")
    joint = JOINTS.index("right_shoulder")
    by_hand = pixels_by_hand(camera, person["joints19"][4 * joint : 4 * joint + 3])
    assert by_hand == pytest.approx((1566.41, 929.82), abs=0.01)
    found = projected(takes, 0, 0)[0, 0, KEPT.index("right_shoulder")]
    assert found.tolist() == pytest.approx(by_hand, abs=0.01)
    assert takes.valid is not None
    assert takes.valid.sum((0, 2)).tolist() == [30, 32, 26], "ankles that the dome did not find are not known"
    everywhere = read(SAMPLE, ["160906_band1"], [str(number) for number in range(31)], settings=EVERY)
    assert len(everywhere.cameras) == 31 and everywhere.views.focal.shape == (1, 31, 2)
    neck, ankle = (everywhere.world[0, 1, KEPT.index(joint), 2] for joint in ("neck", "left_ankle"))
    assert 0.5 < neck - ankle < 1.6, "metres, z up"


def test_every_known_joint_is_where_opencvs_model_has_it() -> None:
    root = panoptic_root()
    takes = read(root, [HAGGLING], ["3", "00_30"], settings=EVERY)
    assert takes.cameras == ("00_03", "00_30") and len(takes.world) == 12
    for index, name in enumerate(takes.cameras):
        camera, pixels = camera_of(root, HAGGLING, name), projected(takes, 0, index)
        for frame in (0, 5):
            for body in bodies(root, HAGGLING, frame):
                for joint in set(JOINTS) & set(KEPT):
                    *point, confidence = body["joints19"][4 * JOINTS.index(joint) : 4 * JOINTS.index(joint) + 4]
                    assert bool(takes.known(0)[frame, body["id"], KEPT.index(joint)]) == (confidence > 0)
                    if confidence > 0:
                        found = pixels[frame, body["id"], KEPT.index(joint)].tolist()
                        assert found == pytest.approx(pixels_by_hand(camera, point), abs=0.05)
    rays = takes.views.intrinsics.rays(projected(takes, 0, 0)[:1, 0].expand(1, 2, -1, 2))
    assert rays.isfinite().all(), "the distortion can be undone"


def test_people_come_and_go() -> None:
    """The third is there for the middle half; scenes of one person are trained on, and not scored."""
    root = panoptic_root()
    takes = read(root, [HAGGLING], settings=EVERY)
    there = takes.known(0).any(-1)  # (frame, person)
    assert there.sum(-1).tolist() == [2] * 3 + [3] * 6 + [2] * 3
    scenes = takes.scenes(DETECTOR15)
    assert scenes.valid is not None and scenes.present is not None
    assert (scenes.valid <= scenes.present).all() and scenes.valid.any(-1).all()
    outside = ((scenes.pixels < 0) | (scenes.pixels >= torch.tensor([1920.0, 1080.0]))).any(-1).any(-1)
    assert not outside[scenes.valid].any(), "nobody who is cut off by the image is whole"
    assert takes.counts(DETECTOR15) <= {1, 2, 3}
    config = load(["data.source=panoptic", f"data.root={root}", f"data.train=[{TRAIN}]", "data.evaluate=[pizza]"])
    data = open_data(config, "person", 8)
    assert (data.evaluation.everybody.sum(-1) >= 2).all() and data.skeleton is DETECTOR15


def test_an_activity_is_all_of_its_sequences() -> None:
    root = panoptic_root()
    takes = read(root, ["haggling"], settings=EVERY)
    assert takes.names == (f"haggling/{TRAIN} 1", f"haggling/{HAGGLING} 1")
    assert takes.of(["haggling"]).names == takes.names
    with pytest.raises(InputError, match=f"{HAGGLING} is asked for as haggling and as {HAGGLING}; expected each once"):
        read(root, ["haggling", HAGGLING])
    assert subjects_of(root) == [*PANOPTIC_SEQUENCES]


def test_frames_are_thinned_and_takes_end_where_frames_are_missing(tmp_path: Path) -> None:
    root = copied(panoptic_root(), tmp_path / "panoptic")
    assert len(read(root, [PIZZA], settings=PanopticConfig(every=5)).world) == 3
    for frame in range(4, 8):
        (root / PIZZA / POSES / f"body3DScene_{frame:08d}.json").unlink()
    takes = read(root, [PIZZA], settings=EVERY)
    assert takes.start.tolist() == [0, 4, 8] and takes.names == (f"{PIZZA}/{PIZZA} 1", f"{PIZZA}/{PIZZA} 2")
    short = read(root, [PIZZA], settings=PanopticConfig(every=1, longest=0.1))
    assert short.start.tolist() == [0, 3, 4, 7, 8]


def test_what_was_parsed_is_kept_under_what_decides_it(tmp_path: Path) -> None:
    root, cache = panoptic_root(), tmp_path / "cache"
    first = read(root, [PIZZA], cache=cache)
    again = read(root, [PIZZA], cache=cache)
    assert len([*cache.glob("*.npz")]) == 1 and first.valid is not None and again.valid is not None
    torch.testing.assert_close(again.world, first.world)
    assert torch.equal(again.valid, first.valid) and again.image == first.image
    others = ({"settings": EVERY}, {"cameras": ["16"]})
    assert len({first.fingerprint, *(read(root, [PIZZA], **other).fingerprint for other in others)}) == 3  # type: ignore[arg-type]


Change = Any
CALIBRATION = f"{PIZZA}/calibration_{PIZZA}.json"
FRAME = f"{PIZZA}/{POSES}/body3DScene_00000003.json"


def of_camera(key: str, value: object) -> Change:
    def change(calibration: dict[str, Any]) -> None:
        calibration["cameras"][16][key] = value

    return change


def of_body(key: str, value: object) -> Change:
    def change(scene: dict[str, Any]) -> None:
        scene["bodies"][0][key] = value

    return change


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        (CALIBRATION, lambda c: c.pop("cameras"), "cameras is NoneType; expected a list"),
        (CALIBRATION, lambda c: c["cameras"].pop(16), "has no HD camera 00_16; expected some of 00_00"),
        (CALIBRATION, lambda c: c["cameras"][16].pop("K"), "camera 00_16 has no key K"),
        (CALIBRATION, of_camera("R", np.diag([1, 1, -1]).tolist()), "R of camera 00_16 is not a rotation"),
        (CALIBRATION, of_camera("distCoef", [0.1]), r"distCoef of camera 00_16 has shape \(1,\); expected \(5,\)"),
        (CALIBRATION, of_camera("t", "far"), "t of camera 00_16 is not a regular array of numbers"),
        (CALIBRATION, of_camera("K", np.diag([0, 1, 1]).tolist()), "K or resolution of camera 00_16 is not positive"),
        (CALIBRATION, of_camera("resolution", [640, 480]), "cameras have images of 2 sizes; expected one"),
        (FRAME, lambda s: s.pop("bodies"), "bodies is NoneType; expected a list"),
        (FRAME, of_body("id", "a"), r"bodies\[0\].id is 'a'; expected a whole number of its own"),
        (FRAME, of_body("id", 1), r"bodies\[1\].id is '1'; expected a whole number of its own"),
        (FRAME, of_body("joints19", [1.0] * 75), r"bodies\[0\].joints19 has shape \(75,\); expected \(76,\)"),
        (FRAME, of_body("joints19", None), r"bodies\[0\].joints19 holds nan"),
    ],
)
def test_what_is_not_as_distributed_is_refused_by_file_and_key(
    tmp_path: Path, file: str, change: Change, message: str
) -> None:
    root = copied(panoptic_root(), tmp_path / "panoptic")
    content = json.loads((root / file).read_text())
    change(content)
    (root / file).write_text(json.dumps(content))
    with pytest.raises(InputError, match=rf"{Path(file).name}: {message}") as raised:
        read(root, [PIZZA], settings=EVERY)
    assert "\n" not in str(raised.value)


def test_what_is_missing_or_in_another_unit_is_said(tmp_path: Path) -> None:
    root = copied(panoptic_root(), tmp_path / "panoptic")
    with pytest.raises(InputError, match="has no sequence or activity waltz; expected some of 160224_haggling1"):
        read(root, ["waltz"])
    with pytest.raises(InputError, match=f"that is a sequence: give the folder that holds {PIZZA}"):
        subjects_of(root / PIZZA)
    (root / CALIBRATION).rename(root / "elsewhere")
    with pytest.raises(InputError, match=f"calibration_{PIZZA}.json: cannot be read"):
        read(root, [PIZZA])
    (root / "elsewhere").rename(root / CALIBRATION)
    for factor, message in ((10.0, r"trunks are .* cm long; expected joints in centimetres"), (-1.0, "y points down")):
        other = copied(root, tmp_path / f"times {factor}")
        for path in (other / PIZZA / POSES).iterdir():
            scene = json.loads(path.read_text())
            for body in scene["bodies"]:
                joints = np.array(body["joints19"]).reshape(-1, 4)
                body["joints19"] = (joints * [factor, factor, factor, 1.0]).ravel().tolist()
            path.write_text(json.dumps(scene))
        with pytest.raises(InputError, match=message):
            read(other, [PIZZA])
    (root / PIZZA / POSES / "body3DScene_last.json").write_text("{}")
    with pytest.raises(InputError, match=r"body3DScene_last\.json: has no frame's number"):
        read(root, [PIZZA])
    for path in (root / PIZZA / POSES).iterdir():
        path.unlink()
    with pytest.raises(InputError, match="no frames found"):
        read(root, [PIZZA])


def test_it_is_a_source_with_the_fields_cameras_and_sequences() -> None:
    config = load(["data.source=panoptic"])
    assert config.data.skeleton == "detector15" and not {*config.data.train} & {*config.data.evaluate}
    assert [panoptic.activity_of(name) for name in config.data.evaluate] == ["haggling", "mafia", "ultimatum", "pizza"]
    assert PANOPTIC.configured is not None and config.data.panoptic == DEFAULT
    with pytest.raises(InputError, match=r"setting data\.panoptic\.every is 0"):
        load(["data.panoptic.every=0"])
