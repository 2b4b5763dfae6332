"""A lifter for programs without this package: files of torch.export and of ONNX, for one image or many at a time.

Either file holds everything between a detector's keypoints and people in one scene: completing poses, lifting, and
ground placement of every image by itself. Inputs and outputs are those of `ImageLifter.forward`, by name. Both axes,
`scene` and `person`, may have any length. A file is checked against the model that it was made from before it is kept.
"""

import io
import logging
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from duolift.errors import InputError, install
from duolift.files import whole_file
from duolift.networks.people_lifter import PeopleLifter
from duolift.placement import CLOSED_FORM, METHODS
from duolift.placement.interface import SceneCameras
from duolift.placement.stature import in_metres

TOLERANCE = 1e-4
"""The largest difference between an exported model's people and the original's, metres."""

OPSET = 20
"""Version of ONNX' operators in the files."""

SUFFIXES = (".pt2", ".onnx")

INPUTS = ("keypoints", "visible", "focal", "principal", "noise")

OUTPUTS = ("people", "theta", "up", "height", "confidence")

Runner = Callable[[tuple[Tensor, ...]], Tensor]
"""Runs an exported file: inputs to people."""


class ImageLifter(nn.Module):
    """People in one scene, every image by itself, as one network.

    >>> from duolift import Lifter
    >>> model = ImageLifter(Lifter.load().people)
    >>> placed = model(*example(scenes=3, people=2, joints=19))
    >>> placed["people"].shape, placed["height"].shape
    (torch.Size([3, 2, 19, 3]), torch.Size([3]))
    """

    def __init__(self, people: PeopleLifter) -> None:
        super().__init__()
        self.people = people

    def forward(
        self, keypoints: Tensor, visible: Tensor, focal: Tensor, principal: Tensor, noise: Tensor
    ) -> dict[str, Tensor]:
        """Lift and place everybody.

        Args:
            keypoints: (scene, person, joint, 2), pixels; anything, NaN included, where not `visible`. The joints are
                those of the lifter's skeleton, which the file's metadata names.
            visible: (scene, person, joint), whether a joint is seen.
            focal: (scene,), focal length, pixels.
            principal: (scene, 2), the image's centre, pixels.
            noise: (scene, person), standard deviation of the detector's joints, head lengths.

        Returns:
            people: (scene, person, joint, 3), metres, camera coordinates: x right, y down, z forward.
            theta: (scene, person), elevations in radians, negative where the camera looks down.
            up: (scene, 3), unit vector, camera coordinates.
            height: (scene,), of the camera above the ground, metres.
            confidence: (scene, person), 0 to 1; 0 for people who show too few joints.
        """
        # before any arithmetic, so that NaN where nothing is visible reaches neither people nor gradients
        keypoints = torch.where(visible.unsqueeze(-1), keypoints, principal[:, None, None])
        rays = (keypoints - principal[:, None, None]) / focal[:, None, None, None]
        lifted = self.people(rays, visible, noise)
        placed = METHODS[CLOSED_FORM].image(lifted, SceneCameras())
        placed = in_metres(placed, lifted.valid, self.people.skeleton, static=False)
        outputs = placed.people, lifted.elevation, placed.up, placed.height, placed.confidence
        return dict(zip(OUTPUTS, outputs, strict=True))


def export(people: PeopleLifter, path: Path) -> float:
    """Write a lifter as a file of the format of its suffix, `.pt2` or `.onnx`, and check the file against the lifter.

    Returns:
        the largest difference of joints between the file and the lifter, metres.

    Raises:
        InputError: another suffix, a library is missing, a place that cannot be written to, or a disk that is full.
        RuntimeError: the difference is above `TOLERANCE`; then no file is left.
    """
    if path.suffix not in SUFFIXES:
        raise InputError(f"{path}: suffix {path.suffix!r}; expected one of {', '.join(SUFFIXES)}")
    model = ImageLifter(people).eval()
    joints = "\n".join(people.skeleton.joints)
    scene, person = torch.export.Dim("scene", min=1), torch.export.Dim("person", min=1)
    of_people, of_scenes = {0: scene, 1: person}, {0: scene}
    shapes = dict(zip(INPUTS, (of_people, of_people, of_scenes, of_scenes, of_people), strict=True))
    with _no_advice(), whole_file(path) as part:
        program = torch.export.export(model, example(3, 4, len(people.skeleton)), dynamic_shapes=shapes)
        run = (_torch_file if path.suffix == ".pt2" else _onnx_file)(program, part, joints)
        error = difference(model, run, len(people.skeleton))
        if not error <= TOLERANCE:
            raise RuntimeError(f"{path}: differs from the lifter by {error} m; expected at most {TOLERANCE}")
    return error


@contextmanager
def _no_advice() -> Iterator[None]:
    """Keeps the exporters' advice to their own developers off the terminal."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _torch_file(program: torch.export.ExportedProgram, path: Path, joints: str) -> Runner:
    file = io.BytesIO()
    torch.export.save(program, file, extra_files={"joints": joints})
    path.write_bytes(file.getvalue())
    file.seek(0)
    loaded = torch.export.load(file).module()
    return lambda arguments: loaded(*arguments)["people"]


def _onnx_file(program: torch.export.ExportedProgram, path: Path, joints: str) -> Runner:
    try:
        import onnxruntime
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise InputError(f"ONNX files need {error.name}; expected: {install('export')}") from error
    written = torch.onnx.export(
        program,
        dynamo=True,
        opset_version=OPSET,
        input_names=INPUTS,
        output_names=OUTPUTS,
        verbose=False,
    )
    assert written is not None
    _name_axes(written.model)
    written.model.metadata_props["joints"] = joints
    written.save(path)
    session = onnxruntime.InferenceSession(path)

    def run(arguments: tuple[Tensor, ...]) -> Tensor:
        named = {name: argument.numpy() for name, argument in zip(INPUTS, arguments, strict=True)}
        return torch.from_numpy(session.run(["people"], named)[0])

    return run


def _name_axes(model: Any) -> None:
    """Give an ONNX model's free axes their names: the exporter of a traced program calls them `s30` and the like."""
    scene, person = model.graph.inputs[INPUTS.index("keypoints")].shape[:2]
    names = {scene.value: "scene", person.value: "person"}
    for value in [*model.graph.inputs, *(output for node in model.graph for output in node.outputs)]:
        for axis, size in enumerate(value.shape or ()):
            if isinstance(size, type(scene)) and size.value:  # a name, or a formula with names in it
                value.shape[axis] = re.sub(r"\w+", lambda found: names.get(found[0], found[0]), size.value)


def example(scenes: int, people: int, joints: int) -> tuple[Tensor, ...]:
    """Arguments of `ImageLifter.forward` for random people, some of whose joints are hidden.

    >>> [argument.shape for argument in example(scenes=3, people=2, joints=19)][:2]
    [torch.Size([3, 2, 19, 2]), torch.Size([3, 2, 19])]
    """
    random = torch.Generator().manual_seed(scenes + people)
    return (
        450 + 100 * torch.randn(scenes, people, joints, 2, generator=random),
        torch.rand(scenes, people, joints, generator=random) > 0.1,
        torch.full((scenes,), 1100.0),
        torch.full((scenes, 2), 450.0),
        torch.full((scenes, people), 0.02),
    )


@torch.no_grad()
def difference(model: ImageLifter, run: Runner, joints: int) -> float:
    """The largest difference of a joint's coordinate between the two, metres, over batches of several sizes."""
    sizes = ((1, 1), (1, 2), (5, 3))
    batches = [example(*size, joints) for size in sizes]
    return max(float((model(*batch)["people"] - run(batch)).abs().max()) for batch in batches)
