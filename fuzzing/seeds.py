"""Small valid files of every kind that is read: two people of the embedded set, in each file format."""

import io
import json
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from datamodules.sources.chi3d import read
from datamodules.synthetic.benchmarks import h36m, mpi_inf_3dhp, mupots, panoptic, somof
from datamodules.synthetic.writer import SyntheticConfig
from duolift.body.skeleton import CHI3D25, H36M17, PAPER19
from duolift.inputs.keypoints import FORMATS, HANDS
from duolift.inputs.pictures import EXIF, FOCAL_35, ORIENTATION
from duolift.networks.architecture import Architecture
from duolift.networks.completer import CompleterArchitecture
from duolift.networks.detection_network import DetectionArchitecture
from duolift.networks.people_architecture import PeopleArchitecture
from duolift.networks.people_lifter import PeopleLifter
from duolift.outputs.armature import armature_of
from duolift.outputs.bvh import bvh_text
from duolift.predictor import Lifter
from experiments.config import CONF, EXTENDS
from fuzzing import detector_seeds
from fuzzing.people import FRAMES, INFO, SUBJECT, flat, people, pixels, take, write_tree


@cache
def world() -> NDArray[np.float64]:
    """A person of the take, (frame, joint of `CHI3D25`, 3), metres, y up."""
    person = np.array(json.loads(take()[0])["joints3d_25"][0])
    return np.stack([person[..., 0], person[..., 2], -person[..., 1]], axis=-1)


def bvh() -> list[bytes]:
    """The person as duolift writes it."""
    return [bvh_text(armature_of(world(), CHI3D25), rate=30.0).encode()]


BONES = {
    "lowerback": ("root", "spine"),
    "upperback": ("lowerback", "neck"),
    "lowerneck": ("upperback", "head"),
    "head": ("lowerneck", "head_top"),
    **{
        f"{side[0]}{bone}": (before if before in ("root", "upperback") else f"{side[0]}{before}", f"{side}_{end}")
        for side in ("left", "right")
        for bone, before, end in (
            *(("hipjoint", "root", "hip"), ("femur", "hipjoint", "knee"), ("tibia", "femur", "ankle")),
            *(("foot", "tibia", "foot"), ("toes", "foot", "toe"), ("clavicle", "upperback", "shoulder")),
            *(("humerus", "clavicle", "elbow"), ("radius", "humerus", "wrist"), ("hand", "radius", "thumb")),
            ("fingers", "hand", "hand"),
        )
    },
    "upperneck": ("lowerneck", "head_top"),
}
"""Bone of the CMU database -> (the bone before it, the joint where it ends), as far as our joints need them."""


def acclaim() -> tuple[bytes, bytes]:
    """The person's first frame as a skeleton, ASF, and a motion, AMC, in which every bone turns by a degree."""
    ends = {"root": CHI3D25.root, **{bone: end for bone, (_, end) in BONES.items()}}
    at = {bone: world()[0, CHI3D25.index(end)] / (0.0254 / 0.45) for bone, end in ends.items()}
    asf = [":version 1.10", ":units", "  length 0.45", "  angle deg", ":root", "  order TX TY TZ RX RY RZ", ":bonedata"]
    amc = [":FULLY-SPECIFIED", ":DEGREES"]
    for bone, (before, _) in BONES.items():
        direction = " ".join(f"{value:.6f}" for value in at[bone] - at[before])
        asf += ["  begin", f"    name {bone}", f"    direction {direction}", "    length 1", "    axis 0 0 20 XYZ"]
        asf += ["    dof rx rz", "    limits (-90 90)", "           (-90 90)", "  end"]
    asf += [":hierarchy", "  begin"]
    for before in ("root", *BONES):
        asf.append(" ".join([before, *(bone for bone, (parent, _) in BONES.items() if parent == before)]))
    for frame in (1, 2):
        amc += [str(frame), "root 1 2 3 4 5 6", *(f"{bone} 1 {frame}" for bone in BONES)]
    return "\n".join([*asf, "  end", ""]).encode(), "\n".join([*amc, ""]).encode()


def openpose() -> list[bytes]:
    files = [
        {
            "version": 1.3,
            "people": [
                {"person_id": [number], "pose_keypoints_2d": one, "hand_left_keypoints_2d": hand}
                for number, (one, hand) in enumerate(zip(flat(FORMATS[name].joints), flat(HANDS["left"]), strict=True))
            ],
        }
        for name in ("body25", "coco18")
    ]
    return [_json(content) for content in files]


def coco() -> list[bytes]:
    entries = [
        {"id": frame, "image_id": frame, "category_id": 1, "iscrowd": 0, "keypoints": one, "track_id": number}
        for frame in range(FRAMES)
        for number, one in enumerate(flat(FORMATS["coco17"].joints, frame))
    ]
    images = [
        {"id": frame, "file_name": f"{frame}.jpg", "width": 900, "height": 900, "vid_id": "1", "frame_id": frame}
        for frame in range(FRAMES)
    ]
    named = {"id": 1, "name": "person", "keypoints": [*FORMATS["coco17"].joints]}
    return [
        _json({"categories": [category], "images": images, "annotations": entries})
        for category in (named, {"id": 1, "name": "person"})
    ]


def results() -> list[bytes]:
    return [
        _json(
            [
                {"image_id": image, "category_id": 1, "keypoints": one, "score": 2.5, "idx": [[number + 1.0]]}
                for number, one in enumerate(flat(FORMATS[name].joints))
            ]
        )
        for name, image in (("coco17", 7), ("halpe26", "0.jpg"))
    ]


def alphapose() -> list[bytes]:
    people = [{"joints": one} for one in flat(FORMATS["coco18"].joints)]
    return [
        _json({f"{frame}.jpg": {"version": "AlphaPose v0.3", "bodies": people} for frame in range(FRAMES)}),
        _json({"version": "AlphaPose v0.3", "bodies": people}),
    ]


def mmpose() -> list[bytes]:
    layout = FORMATS["coco17"]
    instances = [
        {
            "keypoints": one[:, :2].tolist(),
            "keypoint_scores": one[:, 2].tolist(),
            "bbox_score": 0.8,
            "track_id": 1 + number,
        }
        for number, one in enumerate(people(layout.joints))
    ]
    names = {str(number): joint for number, joint in enumerate(layout.joints)}
    frames = [{"frame_id": frame, "instances": instances} for frame in range(FRAMES)]
    meta = {"meta_info": {"dataset_name": "coco", "keypoint_id2name": names}, "instance_info": frames}
    return [_json(instances), _json(frames), _json(meta)]


def arrays() -> list[bytes]:
    poses = np.array([people(FORMATS["coco17"].joints, frame) for frame in range(FRAMES)])
    more = {"names": ["a.jpg", "b.jpg"], "ids": [3, 4], "image": [900, 900], "focal": 1000.0, "joints": "coco17"}
    return [_npz(keypoints=poses), _npz(keypoints=poses[..., :2], confidence=poses[..., 2], **more)]


DETECTOR_FILES: dict[str, Callable[[], list[bytes]]] = {
    "alphapose": alphapose,
    "coco": coco,
    "mmpose": mmpose,
    "npz": arrays,
    "openpose": openpose,
    "results": results,
    **detector_seeds.FILES,
}
"""File format -> valid files of it."""


def detectors() -> list[bytes]:
    return [content for make in DETECTOR_FILES.values() for content in make()]


@cache
def films() -> list[bytes]:
    """A few small frames, in containers of three kinds."""
    return [_film(kind, codec) for kind, codec in (("mp4", "mpeg4"), ("matroska", "mpeg4"), ("avi", "mjpeg"))]


def _film(kind: str, codec: str) -> bytes:
    import av

    file = io.BytesIO()
    with av.open(file, "w", format=kind) as container:
        stream: Any = container.add_stream(codec, rate=10)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuvj420p" if codec == "mjpeg" else "yuv420p"
        for grey in (20, 120, 220):
            picture = np.full((32, 32, 3), grey, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    return file.getvalue()


def pictures() -> list[bytes]:
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    exif.get_ifd(EXIF)[FOCAL_35] = 28
    found = []
    for kind in ("JPEG", "PNG", "WEBP", "TIFF"):
        file = io.BytesIO()
        Image.new("RGB", (16, 12)).save(file, kind, exif=exif)
        found.append(file.getvalue())
    for kind in ("BMP", "GIF", "PPM"):
        file = io.BytesIO()
        Image.new("RGB", (16, 12)).save(file, kind)
        found.append(file.getvalue())
    return found


def uploads() -> list[bytes]:
    """A file, and two of a folder, as the page sends them."""
    found = []
    for names in (["a.json"], ["poses/a.json", "poses/b.json"]):
        head = json.dumps([{"name": name, "size": 4} for name in names])
        found.append(f"{head}\n".encode() + b"[12]" * len(names))
    return found


@cache
def scenes(suffix: str) -> list[bytes]:
    """Scenes as files: a video of two people, one of whom leaves, and an image of nobody."""
    from duolift.outputs import write

    poses = pixels().copy()
    poses[1, 1] = np.nan
    lifter = Lifter.load()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"scene{suffix}"
        found = []
        for keypoints in (poses, poses[:1, :0]):
            write(lifter.lift(keypoints, format="chi3d"), path)
            found.append(path.read_bytes())
        return found


def pages() -> list[bytes]:
    """Settings of pages that hold a scene."""
    return [b'{"lifts": false, "scene": ' + content + b"}" for content in scenes(".json")]


@cache
def lifters() -> list[bytes]:
    found = []
    with tempfile.TemporaryDirectory() as folder:
        whole, halves = (Architecture(split=s, width=4, blocks=1, elevation_bound=1.0) for s in ("whole", "left_right"))
        networks: tuple[tuple[Any, Any, Any], ...] = (
            (whole, None, None),
            (halves, CompleterArchitecture(4, 1), None),
            (None, None, DetectionArchitecture(4, 1)),
        )
        for network, completer, detection in networks:
            people = PeopleLifter(PeopleArchitecture(PAPER19.name, network, 5.0, "ray", True, completer, detection))
            people.fit(torch.randn(8, len(PAPER19), 2))
            Lifter(people, {"data": "nothing"}).save(path := Path(folder) / "lifter.safetensors")
            found.append(path.read_bytes())
    return found


def checkpoints() -> list[bytes]:
    stamp = {"format": 1, "version": "0.1.0", "kind": "a lifter", "settings": {"data": {"root": "data"}, "seed": 0}}
    found = []
    for content in (
        {"duolift": stamp, "state_dict": {"weight": torch.ones(2, 3)}, "epoch": 1},
        {"state_dict": {}, "hyper_parameters": {"width": 8}},
    ):
        file = io.BytesIO()
        torch.save(content, file)
        found.append(file.getvalue())
    return found


def settings() -> list[bytes]:
    """Arguments, a line each."""
    return [
        b"experiment=quick\nseed=1\nlifting.width=64\ndata.extra=[synthetic]\nlifting.weights.augmentation=0.5",
        b"lifter=all\nflows.parts=[whole,legs,torso,left,right]\ndata.c=10\ndata.normalisation=shift\nwandb.mode=offline",
    ]


def experiments() -> list[bytes]:
    """Files of deltas, but for those that extend another: a run's settings are whole, and extend nothing."""
    files = [path.read_bytes() for path in sorted(CONF.glob("*.yaml"))]
    return [content for content in files if EXTENDS.encode() not in content]


@cache
def caches() -> list[bytes]:
    """A parsed copy of `take`."""
    with tempfile.TemporaryDirectory() as folder:
        root, cache = Path(folder) / "tree", Path(folder) / "cache"
        read(write_tree(root, *take(), INFO), [SUBJECT], None, cache)
        return [path.read_bytes() for path in cache.iterdir()]


@cache
def benchmark(name: str) -> dict[str, bytes]:
    """The files of a benchmark of single people, by name: one subject each to train and to evaluate on."""
    small = SyntheticConfig(takes=1, frames=2 if name == "h36m" else 1)
    with tempfile.TemporaryDirectory() as folder:
        if name == "h36m":
            root = h36m.write(Path(folder), small, ["S9"], ["Walking"])
        else:
            root = mpi_inf_3dhp.write(Path(folder), small, ["S1"], ["TS1"])
        return {path.name: path.read_bytes() for path in root.iterdir()}


SEQUENCE = "160906_pizza1"
"""The sequence of CMU Panoptic that is read."""


@cache
def companies(name: str) -> dict[str, bytes]:
    """The files of a benchmark of several people, by their paths: one sequence, or one part."""
    small = SyntheticConfig(takes=1, frames=2)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        if name == "panoptic":
            panoptic.write(root, small, [SEQUENCE])
        elif name == "mupots":
            mupots.write(root, small, ["TS1"])
        else:
            somof.write(root, small, ["train"])
        return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*.*") if path.is_file()}


def mmpose_archives() -> list[bytes]:
    """Two records of Human3.6M as MMPose has them."""
    points = np.concatenate(
        [world()[:, CHI3D25.indices(H36M17.joints)] + [0.0, 0.0, 4.0], np.ones((FRAMES, 17, 1))], axis=-1
    )
    seen = np.concatenate([500 + 1000 * points[..., :2] / points[..., 2:3], points[..., 3:]], axis=-1)
    names = [f"S9/S9_Walking.54138969_{frame:06d}.jpg" for frame in range(FRAMES)]
    return [_npz(imgname=names, S=points, part=seen, center=np.zeros((FRAMES, 2)), scale=np.ones(FRAMES))]


def tables() -> list[bytes]:
    """Parquet files of people, with focal lengths and without."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    poses = np.concatenate([np.array(people(PAPER19.joints, frame)) for frame in range(FRAMES)])
    columns: dict[str, Any] = {
        "image": [f"{frame}.jpg" for frame in range(FRAMES) for _ in range(2)],
        "person": [0, 1] * FRAMES,
        "width": [900] * 2 * FRAMES,
        "height": [900.0] * 2 * FRAMES,
        "keypoints": list(poses[..., :2].reshape(len(poses), -1)),
        "confidence": list(poses[..., 2]),
    }
    found = []
    for more in ({}, {"focal": [1000.0, 1000.0, None, None]}):
        file = io.BytesIO()
        pq.write_table(pa.table({**columns, **more}), file, row_group_size=3)
        found.append(file.getvalue())
    return found


def _json(content: Any) -> bytes:
    return json.dumps(content).encode()


def _npz(**content: Any) -> bytes:
    file = io.BytesIO()
    np.savez(file, **content)
    return file.getvalue()
