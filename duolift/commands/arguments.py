"""Arguments that several commands take."""

import argparse
from pathlib import Path


def add_rig(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--rig",
        metavar="NAME",
        help="what the bones of .bvh and .glb are called, and how they hang together: mixamo, cmu, or duolift, by the "
        "joints' names (the default)",
    )


def add_outputs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-o",
        "--output",
        action="append",
        required=True,
        metavar="OUTPUT",
        help="a file, its suffix one of .json .npz .html .bvh .glb .csv .parquet .angles.csv .angles.parquet .trc .c3d "
        ".png .gif .mp4 .rrd; a folder, such as out/, for .html .json .glb and .csv of every scene; or - for JSON on "
        "standard output; may be given several times",
    )
    parser.add_argument("-q", "--quiet", action="store_true", help="print nothing but errors")
    add_rig(parser)


def add_pictures(group: argparse._ActionsContainer, more: str = "") -> None:
    group.add_argument(
        "--pictures",
        type=Path,
        metavar="PATH",
        help="the picture, the folder of pictures or the film that the detector saw: "
        f"{more}is what .html .png .gif .mp4 are drawn over",
    )


def add_keypoints(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group(
        "keypoints", "The layout of the detector's file is recognised by its content; say here what it gets wrong."
    )
    group.add_argument("--format", metavar="NAME", help="how the file is laid out, such as openpose or coco")
    group.add_argument("--joints", metavar="NAME", help="which joints it holds, such as coco17 or body25")
    group.add_argument(
        "--threshold",
        type=float,
        metavar="C",
        help="ignore joints of lower confidence than this, 0 to 1 (0.3), and people of a lower score unless half of "
        "their joints are surer",
    )
    kind = group.add_mutually_exclusive_group()
    kind.add_argument("--video", action="store_const", const=True, help="the frames are consecutive ones of one video")
    kind.add_argument(
        "--images", dest="video", action="store_const", const=False, help="every frame is an image of its own"
    )
    group.add_argument(
        "--track",
        choices=("file", "anew"),
        help="who is who in a video: as the file numbers people (the default), or anew, by where they are",
    )
    group.add_argument(
        "--people",
        type=_numbers,
        metavar="N,N",
        help="who is in the scene, by the numbers that notes and the page give them, such as 1,2 (everybody but false "
        "detections)",
    )
    group.add_argument(
        "--strict",
        action="store_true",
        help="end with an error at a file of a folder that cannot be read, or a person without joints, instead of "
        "skipping it",
    )


def add_camera(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group(
        "camera", "Everything is optional. Distances are as good as the focal length; without it they are estimated."
    )
    group.add_argument("--image", type=_size, metavar="WxH", help="width and height of the images in pixels")
    group.add_argument("--focal", type=float, metavar="PX", help="focal length in pixels; otherwise estimated")
    add_pictures(group, "gives their size and EXIF focal length, and ")
    group.add_argument("--rate", type=float, metavar="HZ", help="frames per second of the video (30)")
    group.add_argument(
        "--noise", type=float, metavar="H", help="standard error of the detector's joints, in head lengths (0.02)"
    )
    group.add_argument("--tilt", type=float, metavar="DEG", help="how far the camera looks down; otherwise estimated")
    group.add_argument(
        "--height",
        action="append",
        type=_stature,
        metavar="[PERSON=]M",
        help="how tall people are on the mean, such as 1.75, or one of them, such as 2=1.82; metres are metres then",
    )
    group.add_argument(
        "--camera",
        type=Path,
        metavar="FILE",
        help="a calibrated camera, once or for every frame: a .json, .toml or .yml of matrices (OpenCV, Pose2Sim, CMU "
        "Panoptic), or the folder of COLMAP's cameras.txt and images.txt",
    )
    group.add_argument("--camera-name", metavar="NAME", help="which camera of a file that has several")
    group.add_argument(
        "--world",
        metavar="WORLD",
        help="what the file does not say of its world, such as up=z,ground=0,unit=m; otherwise estimated",
    )
    group.add_argument("--moving", action="store_true", help="the camera moves during the video, nobody knows how")
    group.add_argument(
        "--frame-by-frame", action="store_true", help="lift every frame of a video by itself; nothing is smoothed"
    )


def add_placement(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--placement",
        metavar="NAME",
        help="how people are put into one scene: fit, everybody at their own distance by all that is known at once "
        "(the default), ground, a chain of closed formulas for the same, or paper, everybody at one distance",
    )


def add_device(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--device",
        metavar="NAME",
        help="where to lift, such as cuda or cuda:1 (cpu, on which the same input gives the same bytes)",
    )


def add_lifter(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("lifter")
    group.add_argument(
        "--checkpoint", type=Path, metavar="FILE", help="a trained lifter, .safetensors (the one of the package)"
    )


def _numbers(text: str) -> tuple[int, ...]:
    """`1,2` as whole numbers."""
    try:
        return tuple(int(number) for number in text.replace(",", " ").split())
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} are no people's numbers; expected such as 1,2") from None


def _size(text: str) -> tuple[float, float]:
    """`1920x1080` as numbers."""
    try:
        width, height = map(float, text.lower().split("x"))
    except ValueError:
        instead = f"--pictures {text}" if Path(text).exists() else "--pictures, which reads it from a picture"
        raise argparse.ArgumentTypeError(
            f"{text!r} is no size; expected width x height in pixels, such as 1920x1080, or {instead}"
        ) from None
    return width, height


def _stature(text: str) -> tuple[int | None, float]:
    """Somebody's number, None for everybody, and metres. Raises ArgumentTypeError for anything else."""
    person, _, metres = text.rpartition("=")
    try:
        return int(person) if person else None, float(metres)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no height; expected metres such as 1.75, or 2=1.82") from None
