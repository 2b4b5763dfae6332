"""A trained lifter in use: keypoints in, people in one space out.

    from duolift import Lifter
    scene = Lifter.load().lift(keypoints, format="coco")

A lifter is one file, safetensors: weights, and in its metadata what they are the weights of.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from itertools import groupby
from pathlib import Path
from typing import Any, Self

import numpy as np
import safetensors
import safetensors.torch
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from duolift import __version__
from duolift.body.skeleton import Skeleton
from duolift.camera import Camera
from duolift.errors import InputError
from duolift.files import regular, write_bytes
from duolift.inputs.detections import JOINTS, Detections, Frame
from duolift.inputs.keypoints import THRESHOLD, format_named, to_joints
from duolift.inputs.tracking import TRACKING, track
from duolift.networks.people_lifter import Architecture, Lifted, PeopleLifter
from duolift.placement.focal import DEFAULT, KNOWN, default_focal, focal_from_people
from duolift.placement.ground import EVERYTHING, GroundPlacement
from duolift.placement.space import by_ground, by_paper, visibility_groups
from duolift.scene import Scene

SHIPPED = Path(__file__).parent / "weights" / "synthetic.safetensors"
"""The lifter that comes with the package, trained on the embedded set alone."""

FILE_FORMAT = 1
"""Version of the layout of a lifter's file."""

UNKNOWN_FRAME = 1.2
"""Where an image's size is not known, it is taken to be so many times as large as what its people take up."""


class Lifter:
    """Lifts people and puts them into one space.

    Args:
        people: what lifts them.
        origin: what the file says of where its weights come from.
    """

    def __init__(self, people: PeopleLifter, origin: dict[str, Any] | None = None) -> None:
        self.people, self.origin = people.eval().requires_grad_(False), origin or {}

    @classmethod
    def load(cls, path: Path | str | None = None) -> Self:
        """A lifter from its file; None takes the one that comes with the package.

        Raises:
            InputError: the file is missing, or no lifter's.
        """
        path = SHIPPED if path is None else Path(path)
        if path.suffix == ".ckpt":
            raise InputError(
                f"{path}: a checkpoint of a training stage; expected a .safetensors file (make pack RUN=name)"
            )
        try:
            with safetensors.safe_open(regular(path), "pt") as file:
                header = json.loads((file.metadata() or {}).get("duolift", "{}"))
                weights = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118
        except InputError:
            raise
        except (OSError, safetensors.SafetensorError, ValueError, RecursionError) as error:
            raise InputError(f"{path}: not readable as a lifter ({error}); expected a safetensors file") from error
        if not isinstance(header, dict) or header.get("format") != FILE_FORMAT:
            found = header.get("format") if isinstance(header, dict) else header
            raise InputError(
                f"{path}: metadata 'duolift' has format {found}; expected {FILE_FORMAT}, of a trained lifter"
            )
        try:
            architecture = Architecture(**header["architecture"])
            if architecture.blocks + (architecture.completer_blocks or 0) > len(weights):
                raise ValueError(f"{len(weights)} weights for more blocks")
            expected = architecture.shapes()  # before anything is made that takes memory
            if wrong := next((k for k in {**expected, **weights} if _shape(weights, k) != expected.get(k)), None):
                raise ValueError(f"{wrong} has shape {_shape(weights, wrong)}, expected {expected.get(wrong)}")
            if wrong := next((name for name, weight in weights.items() if not weight.isfinite().all()), None):
                raise ValueError(f"{wrong} is not finite")
            people = PeopleLifter(architecture)
            people.load_state_dict(weights)
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise InputError(f"{path}: weights and architecture disagree ({str(error).splitlines()[0]})") from error
        return cls(people, header.get("origin"))

    def save(self, path: Path) -> None:
        """Write the lifter's file, its weights in half precision, whole or not at all.

        Raises:
            InputError: a place that cannot be written to, or a disk that is full.
        """
        header = {
            "format": FILE_FORMAT,
            "version": __version__,
            "architecture": asdict(self.people.architecture),
            "origin": self.origin,
        }
        weights = {name: value.half().contiguous() for name, value in self.people.state_dict().items()}
        write_bytes(Path(path), safetensors.torch.save(weights, {"duolift": json.dumps(header)}))

    def lift(
        self,
        keypoints: ArrayLike,
        confidence: ArrayLike | None = None,
        format: str = JOINTS.name,
        view: Camera | None = None,
        threshold: float = THRESHOLD,
    ) -> Scene:
        """People in one space from arrays of keypoints.

        Args:
            keypoints: (person, joint, 2|3) of an image, or (frame, person, joint, 2|3) of a video in which people keep
                their index; pixels, and confidence as a third number. NaN where a joint is not seen.
            confidence: (..., person, joint), 0 where a joint is not seen.
            format: of the joints, one of `duolift.inputs.keypoints.FORMATS`, such as `coco17`, or `coco` for short.
            view: of the camera.
            threshold: a joint of less confidence counts as not seen.

        Raises:
            InputError: an array of another shape than the format has, or an unknown format.
        """
        layout, points = format_named(format), np.asarray(keypoints, dtype=np.float64)
        if points.ndim not in (3, 4) or points.shape[-2] != len(layout) or points.shape[-1] not in (2, 3):
            raise InputError(
                f"keypoints have shape {points.shape}; expected (person, {len(layout)}, 2 or 3) for {layout.name}, "
                "or frames of that"
            )
        video = "keypoints" if points.ndim == 4 else ""
        points = points if points.ndim == 4 else points[None]
        seen = np.asarray(np.isfinite(points).all(-1))
        told = points[..., 2] if points.shape[-1] == 3 else np.ones(seen.shape)
        told = told if confidence is None else np.asarray(confidence, dtype=np.float64).reshape(seen.shape)
        places, sure = to_joints(points[..., :2], np.where(seen, told, 0.0), layout, threshold)
        found = Detections(
            video=video,
            names=tuple(str(number) for number in range(len(points))),
            keypoints=places,
            confidence=sure,
            identities=tuple(range(1, points.shape[1] + 1)),
        )
        return self.lift_detections(found, view)

    def lift_frames(self, frames: Iterable[Frame], view: Camera | None = None) -> Iterator[tuple[str, Scene]]:
        """People in one space for every video and every image that stands alone, with its name.

        A long video is lifted in chunks as its frames come; the first tells the camera of all.

        Args:
            frames: of detectors' files, as `duolift.inputs.read` gives them.
        """
        for video, chunks in groupby(track(frames), key=lambda found: found.video):
            if not video:
                yield from ((found.names[0], self.lift_detections(found, view)) for found in chunks)
                continue
            parts: list[Scene] = []
            for found in chunks:
                parts.append(self.lift_detections(found, view, next((p for p in parts if p.present.any()), None)))
            yield video, Scene.joined(parts).bridged(TRACKING.gap)

    @torch.no_grad()
    def lift_detections(self, found: Detections, view: Camera | None = None, before: Scene | None = None) -> Scene:
        """People in one space from what a detector found.

        Args:
            before: what came before of the same video: its camera is this one's.
        """
        if not found.identities:  # nobody, as one person who is never there
            someone = np.zeros((len(found.names), 1, len(JOINTS), 2))
            one = replace(found, keypoints=someone, confidence=someone[..., 0], identities=(0,))
            return self.lift_detections(one, view, before).of([])
        view, skeleton, notes = view or Camera(), self.people.skeleton, list(found.notes)
        chosen = JOINTS.indices(skeleton.joints)
        pixels = torch.as_tensor(found.keypoints[:, :, chosen], dtype=torch.float32)
        visible = torch.as_tensor(found.confidence[:, :, chosen] > 0)
        image = view.image or found.image or (before.image if before else None)
        if image is None:
            image = _apparent_image(pixels, visible)
            notes.append(f"the image's size is not known: taken to be {image[0]:.0f} x {image[1]:.0f} pixels")
        centre = torch.tensor(image) / 2
        static = view.static and bool(found.video)
        given = view.focal or found.focal
        known = (given, KNOWN) if given else None
        if before is not None:
            known = before.focal, before.focal_source
        lifted, focal, source = self._lifted(pixels, visible, centre, known, static, view.noise)
        if source == DEFAULT:
            notes.append(f"the focal length is not known: a normal lens, {focal:.0f} pixels, is assumed")
        notes += _doubts(found, visible, lifted, skeleton)
        sequence = torch.zeros(len(pixels), dtype=torch.long) if static else None
        placement = EVERYTHING if static else GroundPlacement()
        up = torch.from_numpy(before.up[:1]).expand(len(pixels), -1) if static and before is not None else None
        placed = by_ground(lifted, skeleton, placement, sequence, up)
        people, height = placed.people, placed.height
        if static and before is not None:
            people, height = people * (before.height[0] / height[0]), torch.full_like(height, before.height[0])
        alike = by_paper(lifted, pixels[:, :, skeleton.root_index, 1], placed.up, height, skeleton, static)
        absent = ~lifted.valid
        return Scene(
            skeleton=skeleton,
            names=found.names,
            identities=found.identities,
            people=people.masked_fill(absent[..., None, None], torch.nan).numpy(),
            by_paper=alike.masked_fill(absent[..., None, None], torch.nan).numpy(),
            seen=(visible & lifted.valid.unsqueeze(-1)).numpy(),
            confidence=(placed.confidence * lifted.valid).numpy(),
            up=placed.up.numpy(),
            height=height.numpy(),
            keypoints=torch.where(visible.unsqueeze(-1), pixels, torch.nan).numpy(),
            image=image,
            focal=focal,
            focal_source=source,
            rate=view.rate,
            notes=tuple(notes),
        )

    def _lifted(
        self,
        pixels: Tensor,
        visible: Tensor,
        centre: Tensor,
        known: tuple[float, str] | None,
        static: bool,
        noise: float,
    ) -> tuple[Lifted, float, str]:
        """Everybody lifted, the focal length in pixels, and where it comes from.

        Where it is not `known`, people before a static camera may tell it, those who are together in most frames.
        """
        focal, source = known or (float(default_focal(centre)), DEFAULT)
        lifted = self.people((pixels - centre) / focal, visible, noise)
        together = [*visibility_groups(lifted.valid)] if static and known is None else []
        if together:
            frames, who = max(together, key=lambda company: company[0].sum() * company[1].sum())
            bodies, theta, roots, distance = (part[frames][:, who] for part in lifted[:4])
            one, tried = torch.zeros(len(bodies), dtype=torch.long), torch.tensor([focal])
            told = focal_from_people(bodies, theta, roots, distance, tried, self.people.skeleton, one, one)
            if told.source[0] != DEFAULT:
                focal, source = float(told.pixels[0]), told.source[0]
                lifted = self.people((pixels - centre) / focal, visible, noise)
        return lifted, focal, source


def _shape(weights: dict[str, Tensor], name: str) -> torch.Size | None:
    return weights[name].shape if name in weights else None


def _apparent_image(pixels: Tensor, visible: Tensor) -> tuple[float, float]:
    """Width and height of an image that holds everybody who is seen, its corner at the origin."""
    seen = pixels[visible]
    if not len(seen):
        return 1.0, 1.0
    width, height = (UNKNOWN_FRAME * seen.amax(0).clamp(min=1.0)).ceil().tolist()
    return width, height


def _doubts(found: Detections, visible: Tensor, lifted: Lifted, skeleton: Skeleton) -> list[str]:
    """What the user should know of people who were not wholly seen."""
    shown = visible.any(-1)
    notes = []
    if not shown.any():
        notes.append("nobody is seen")
    if few := int((shown & ~lifted.valid).sum()):
        notes.append(f"{few} poses show too few joints to be lifted, and were left out")
    if hidden := int((lifted.valid & ~visible[..., skeleton.root_index]).sum()):
        notes.append(f"the hips of {hidden} poses are not seen: their places are guessed from the other joints")
    if hidden := int((lifted.valid & ~visible[..., skeleton.feet].any(-1)).sum()):
        notes.append(f"the feet of {hidden} poses are not seen: how far away they are is a guess")
    if not found.video and int(lifted.valid.sum()) == 1:
        notes.append("one person alone: how far away they are follows from their stature only")
    return notes
