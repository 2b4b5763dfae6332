"""Small valid files of programs that estimate poses: two people of the embedded set, as each program writes them."""

import io
import json
import pickle
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np

from duolift.inputs.keypoints import FORMATS
from fuzzing.people import FRAMES, SIZE, flat, people

COCO = FORMATS["coco17"].joints
BODY = [*range(len(COCO))]


def as_json(content: Any) -> bytes:
    return json.dumps(content).encode()


def as_npz(**content: Any) -> bytes:
    file = io.BytesIO()
    np.savez(file, **content)
    return file.getvalue()


def ultralytics() -> list[bytes]:
    """An image; a video whose first frame is empty; normalised, without visibility."""
    frames = [
        [
            {
                "name": "person",
                "class": 0,
                "confidence": 0.9,
                "box": {"x1": 1.0, "y1": 2.0, "x2": 3.0, "y2": 4.0},
                "track_id": number + 1,
                "keypoints": dict(zip(("x", "y", "visible"), one.T.tolist(), strict=True)),
            }
            for number, one in enumerate(people(COCO, frame))
        ]
        for frame in range(FRAMES)
    ]
    shares = [
        {"name": "person", "keypoints": {"x": (one[:, 0] / SIZE).tolist(), "y": (one[:, 1] / SIZE).tolist()}}
        for one in people(COCO)
    ]
    return [as_json(frames[0]), as_json([[], *frames]), as_json(shares), as_json([json.dumps(one) for one in frames])]


def yolo() -> list[bytes]:
    """Without anything after the joints, with a confidence, with that and a track, and without visibility."""
    found = []
    for values, after in ((3, ""), (3, " 0.9"), (3, " 0.9 {number}"), (2, "")):
        lines = []
        for number, one in enumerate(people(COCO), 1):
            shares = one / [SIZE, SIZE, 1]
            joints = " ".join(f"{value:g}" for value in shares[:, :values].ravel())
            lines.append(f"0 0.5 0.5 0.2 0.6 {joints}{after.format(number=number)}")
        found.append("\n".join(lines).encode())
    return found


def openpifpaf() -> list[bytes]:
    frames = [
        [
            {"keypoints": one, "bbox": [1, 2, 3, 4], "score": 0.8, "category_id": 1, "id_": number}
            for number, one in enumerate(flat(COCO, frame))
        ]
        for frame in range(FRAMES)
    ]
    lines = b"\n".join(as_json({"frame": at, "predictions": frame}) for at, frame in enumerate([[], *frames]))
    return [as_json(frames[0]), lines]


def nested() -> list[bytes]:
    """A person alone, an image, and frames; then with keys, and confidence beside the joints."""
    frames = [[one.tolist() for one in people(COCO, frame)] for frame in range(FRAMES)]
    beside = [{"keypoints": one[:, :2].tolist(), "scores": one[:, 2].tolist()} for one in people(COCO)]
    return [
        *(as_json(content) for content in (frames[0][0], frames[0], frames)),
        as_json([{"keypoints": one, "track_id": number} for number, one in enumerate(frames[0])]),
        as_json([[], [{"keypoints": one} for one in frames[0]]]),
        as_json(beside),
    ]


def named() -> list[bytes]:
    """PoseNet, MoveNet, ml5.js, and joints under their names."""
    places = [[dict(zip(("x", "y", "score"), joint, strict=True)) for joint in one.tolist()] for one in people(COCO)]
    movenet = [
        {"score": 0.9, "keypoints": [{**place, "name": name} for place, name in zip(one, COCO, strict=True)]}
        for one in places
    ]
    camel = [name.split("_")[0] + "".join(part.title() for part in name.split("_")[1:]) for name in COCO]
    posenet = [
        {
            "score": 0.9,
            "keypoints": [
                {"part": name, "position": {"x": place["x"], "y": place["y"]}, "score": place["score"]}
                for place, name in zip(one, camel, strict=True)
            ],
        }
        for one in places
    ]
    mapped = [dict(zip(COCO, one, strict=True)) for one in places]
    return [
        *(as_json(content) for content in (movenet, movenet[0], [[], movenet], posenet)),
        as_json([{"pose": one, "skeleton": []} for one in posenet]),
        as_json({"frames": [{"frame": 3, "poses": mapped}], "width": SIZE, "height": SIZE}),
    ]


def mediapipe() -> list[bytes]:
    """A person alone; people of an image; frames with a size; protocol buffers as dictionaries."""
    joints = FORMATS["mediapipe33"].joints
    persons = [
        [
            {"x": x / SIZE, "y": y / SIZE, "z": -0.1, "visibility": sure, "presence": 0.99, "name": None}
            for x, y, sure in one.tolist()
        ]
        for one in people(joints)
    ]
    frames = [{"frame": 0, "pose_landmarks": []}, {"frame": 1, "pose_landmarks": persons}]
    return [
        as_json(persons[0]),
        as_json({"landmarks": persons, "worldLandmarks": persons}),
        as_json({"width": SIZE, "height": SIZE, "frames": frames}),
        as_json([{"landmark": one} for one in persons]),
        as_json([{"frame": at, "landmarks": one} for at, one in enumerate(persons)]),
    ]


def openpose_people(frame: int = 0, sides: float = 1.0) -> list[dict[str, Any]]:
    return [
        {
            "pose_keypoints_2d": (one / [sides, sides, 1]).ravel().tolist(),
            "face_keypoints_2d": None,
            "hand_left_keypoints_2d": None,
            "hand_right_keypoints_2d": None,
        }
        for one in people(FORMATS["coco18"].joints, frame)
    ]


def comfyui() -> list[bytes]:
    size = {"canvas_height": SIZE, "canvas_width": SIZE}
    nobody = {"people": [], **size}
    return [
        as_json([{"people": openpose_people(), **size}]),
        as_json([nobody, {"people": openpose_people(sides=SIZE), **size}]),
    ]


def kinetics() -> list[bytes]:
    joints = FORMATS["coco18"].joints
    frames = [
        {
            "frame_index": frame + 1,
            "skeleton": [
                {"pose": (one[:, :2] / SIZE).ravel().tolist(), "score": one[:, 2].tolist()}
                for one in people(joints, frame)
            ],
        }
        for frame in range(FRAMES)
    ]
    clip = {
        "info": {"video_name": "a.mp4", "resolution": [SIZE, SIZE], "num_frame": FRAMES, "num_keypoints": 17},
        "annotations": [
            {"frame_index": frame, "id": number, "person_id": None, "keypoints": one.tolist()}
            for frame in range(FRAMES)
            for number, one in enumerate(people(COCO, frame))
        ],
        "category_id": 0,
    }
    return [
        as_json({"data": [{"frame_index": 0, "skeleton": []}, *frames], "label": "a", "label_index": 0}),
        as_json(clip),
    ]


def poseflow() -> list[bytes]:
    frames = {
        f"{frame}.jpg": [
            {"keypoints": one, "scores": 3.1, "idx": number + 1} for number, one in enumerate(flat(COCO, frame))
        ]
        for frame in range(FRAMES)
    }
    return [as_json({"a.jpg": [], **frames})]


def tracked_person() -> list[bytes]:
    frames = [flat(COCO, frame) for frame in range(FRAMES)]
    return [
        as_json(
            {
                str(number + 1): {
                    f"{frame:04}": {"keypoints": frames[frame][number], "scores": None} for frame in range(FRAMES)
                }
                for number in range(2)
            }
        )
    ]


def easy_vitpose() -> list[bytes]:
    frames = [
        {str(number): one[:, [1, 0, 2]].tolist() for number, one in enumerate(people(COCO, frame))}
        for frame in range(FRAMES)
    ]
    names = {str(number): name for number, name in enumerate(COCO)}
    return [as_json({"keypoints": [{}, *frames], "skeleton": names}), as_json({"keypoints": frames[:1]})]


def videopose3d() -> list[bytes]:
    poses = np.array([people(COCO, frame)[0][:, :2] for frame in range(FRAMES)], np.float32)
    about = {
        "layout_name": "coco",
        "num_joints": 17,
        "keypoints_symmetry": [[1, 3], [2, 4]],
        "video_metadata": {"film.mp4": {"w": SIZE, "h": SIZE}},
    }
    return [
        as_npz(positions_2d=np.array(content, object), metadata=np.array(about, object))
        for content in ({"film.mp4": {"custom": [poses]}}, {"S1": {"Walking 1": [poses, poses], "Eating": [poses]}})
    ]


def detectron2() -> list[bytes]:
    frames = [np.array([[x, y, 0 * x, sure] for x, y, sure in (p.T for p in people(COCO, f))]) for f in range(FRAMES)]
    keypoints, boxes = np.empty((FRAMES + 1, 2), object), np.empty((FRAMES + 1, 2), object)
    for at, found in enumerate([[], *frames]):
        for array, value in ((keypoints, found), (boxes, [])):
            array[at, 0], array[at, 1] = [], value
    about = np.array({"w": SIZE, "h": SIZE}, object)
    return [as_npz(boxes=boxes, segments=np.full(FRAMES + 1, None), keypoints=keypoints, metadata=about)]


def _table(likelihood: bool = True, several: bool = True) -> tuple[list[tuple[str, ...]], np.ndarray]:
    """Labels of DeepLabCut's columns, and a row a frame."""
    coords = ("x", "y", "likelihood")[: 2 + likelihood]
    of_whom = ("p1", "p2") if several else ("p1",)
    labels: list[tuple[str, ...]] = [("DLC", one, joint, axis) for one in of_whom for joint in COCO for axis in coords]
    rows = [np.array(people(COCO, frame)[: len(of_whom)])[..., : len(coords)].ravel() for frame in range(FRAMES)]
    return labels if several else [(a, c, d) for a, _, c, d in labels], np.array(rows)


def deeplabcut() -> list[bytes]:
    """Several individuals; a single one; and labels, which have the image's path in three columns."""
    found = []
    for likelihood, several, index in (
        (True, True, ["{}"]),
        (True, False, ["{}"]),
        (False, True, ["a", "b", "{}.png"]),
    ):
        labels, rows = _table(likelihood, several)
        levels = ("scorer", "individuals", "bodyparts", "coords") if several else ("scorer", "bodyparts", "coords")
        lines = [
            ",".join([name, *[""] * (len(index) - 1), *(label[at] for label in labels)])
            for at, name in enumerate(levels)
        ]
        for number, row in enumerate(rows):
            cells = ["" if value == 0 else repr(value) for value in row.tolist()]
            lines.append(",".join([*(part.format(number) for part in index), *cells]))
        found.append("\n".join(lines).encode())
    return found


def by_h5py(make: Callable[[], list[bytes]]) -> Callable[[], list[bytes]]:
    """The same, of no file where h5py is not installed."""
    return make if find_spec("h5py") else list


@by_h5py
def deeplabcut_h5() -> list[bytes]:
    """As pandas stores it with `format="table"`, and without."""
    import h5py

    labels, rows = _table()
    table, fixed = io.BytesIO(), io.BytesIO()
    with h5py.File(table, "w") as file:
        kind = np.dtype([("index", "<i8"), ("values_block_0", "<f8", (rows.shape[1],))])
        content = np.array([(number, row) for number, row in enumerate(rows)], kind)
        dataset = file.create_dataset("df_with_missing/table", data=content)
        dataset.attrs["values_block_0_kind"] = np.bytes_(pickle.dumps(labels, 0))
    with h5py.File(fixed, "w") as file:
        group = file.create_group("df_with_missing")
        for at in range(4):
            names = sorted({label[at] for label in labels})
            group[f"block0_items_level{at}"] = np.array(names, "S")
            group[f"block0_items_label{at}"] = np.array([names.index(label[at]) for label in labels], np.int8)
        group["block0_values"], group["axis1"] = rows, np.arange(len(rows))
    return [table.getvalue(), fixed.getvalue()]


@by_h5py
def sleap() -> list[bytes]:
    """In the order of today, and in another that `dims` names."""
    import h5py

    poses = np.array([people(COCO, frame) for frame in range(FRAMES)])  # (frame, track, node, 3)
    found = []
    for order, dims in (("tcnf", None), ("ftnc", '["frame", "track", "node", "xy"]')):
        axes = ["ftnc".index(axis) for axis in order]
        scores = [axis for axis in order if axis != "c"]
        written = io.BytesIO()
        with h5py.File(written, "w") as file:
            tracks = file.create_dataset("tracks", data=poses[..., :2].transpose(axes))
            file["point_scores"] = poses[..., 2].transpose(["ftn".index(axis) for axis in scores])
            file["node_names"], file["track_names"] = np.array(COCO, "S"), np.array(["a", "b"], "S")
            if dims is not None:
                tracks.attrs["dims"] = dims
        found.append(written.getvalue())
    return found


def sleap_csv() -> list[bytes]:
    head = [
        "track",
        "frame_idx",
        "instance.score",
        *(f"{joint}.{axis}" for joint in COCO for axis in ("x", "y", "score")),
    ]
    lines = [",".join(head)]
    for frame in reversed(range(FRAMES)):
        for number, one in enumerate(people(COCO, frame)):
            lines.append(",".join([f"track_{number}", str(frame), "0.9", *map(repr, one.ravel().tolist())]))
    return ["\n".join(lines).encode()]


def _title(joint: str) -> str:
    """A joint's name as in OpenSim's models: `LBigToe`, `Neck`."""
    side, *words = joint.split("_") if joint.startswith(("left_", "right_")) else ("", joint)
    return side[:1].upper() + "".join(part.title() for word in words for part in word.split("_"))


def sports2d() -> list[bytes]:
    """A person; a frame lacks a marker, and another is not there."""
    joints = FORMATS["halpe26"].joints
    names = [_title(name) for name in joints]
    lines = [
        "PathFileType\t4\t(X/Y/Z)\tvideo_px_person00.trc",
        "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\tOrigDataRate\tOrigDataStartFrame\tOrigNumFrames",
        f"30\t30\t{FRAMES}\t{len(names)}\tm\t30\t0\t{FRAMES}",
        "Frame#\tTime\t" + "\t\t\t".join(names) + "\t\t\t",
        "\t\t" + "\t".join(f"X{at}\tY{at}\tZ{at}" for at in range(1, len(names) + 1)),
    ]
    for frame in range(FRAMES):
        cells = ["\t\t0.0" if sure == 0 else f"{x}\t{y}\t0.0" for x, y, sure in people(joints, frame)[0].tolist()]
        lines.append("\t".join([str(3 * frame), f"{frame / 30:.4f}", *cells]))
    return ["\n".join(lines).encode()]


FILES: dict[str, Callable[[], list[bytes]]] = {
    "comfyui": comfyui,
    "deeplabcut": deeplabcut,
    "deeplabcut_h5": deeplabcut_h5,
    "detectron2": detectron2,
    "easy_vitpose": easy_vitpose,
    "kinetics": kinetics,
    "mediapipe": mediapipe,
    "named": named,
    "nested": nested,
    "openpifpaf": openpifpaf,
    "poseflow": poseflow,
    "sleap": sleap,
    "sleap_csv": sleap_csv,
    "sports2d": sports2d,
    "tracked_person": tracked_person,
    "ultralytics": ultralytics,
    "videopose3d": videopose3d,
    "yolo": yolo,
}
"""File format -> valid files of it."""
