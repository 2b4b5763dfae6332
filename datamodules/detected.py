"""People of detectors' files as a data set without 3D: what training on 2D alone takes."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from duolift.body.skeleton import Skeleton
from duolift.errors import InputError
from duolift.geometry.bones import bone_lengths
from duolift.geometry.cameras import Intrinsics
from duolift.geometry.normalisation import Normalisation
from duolift.geometry.scene_batch import SceneBatch
from duolift.inputs.detections import JOINTS

DISTANCE = 10.0
"""Head lengths from the camera to everybody, as in ElePose and LInKs: nobody's own is known."""

SPINE, SPINE_BETWEEN = "spine", ("pelvis", "neck")
"""Detectors have no spine, and likelihoods are of whole poses: in training it is in the middle of these two. On motion
capture of pairs (s02 to s04) it is at 0.51 of the way in the image, and 5 cm off on the mean. When lifting it stays
missing, since a network places it better."""

CAMERA = "unknown"
"""The name of the camera of all people."""


@dataclass(frozen=True)
class DetectedPeople:
    """Everybody in some detectors' files, each by themselves.

    Attributes:
        slopes: (person, joint, 2), of the rays to the joints of `JOINTS`, through the lens that is assumed; anything
            where a joint is not visible.
        visible: (person, joint).
        subject: (person,), an index into `subjects`.
        subjects: names of parts of the data, such as `train`.
        fingerprint: of the content of all files.

    >>> people = DetectedPeople(
    ...     torch.rand(4, 25, 2), torch.ones(4, 25, dtype=torch.bool), torch.tensor([0, 0, 0, 1]), ("a", "b"), ""
    ... )
    >>> from duolift.body.skeleton import DETECTOR15
    >>> people.of(["a"]).scenes(DETECTOR15).pixels.shape
    torch.Size([3, 1, 15, 2])
    """

    slopes: Tensor
    visible: Tensor
    subject: Tensor
    subjects: tuple[str, ...]
    fingerprint: str

    people = 1
    """People of every scene: a stranger beside somebody tells nothing of them."""

    image = None
    """There is no one size of all images."""

    consecutive = False
    """Images may be of anything."""

    def of(self, subjects: Sequence[str]) -> "DetectedPeople":
        """The people of some parts. Raises InputError where there are none of one of them."""
        for name in subjects:
            if name not in self.subjects or not (self.subject == self.subjects.index(name)).any():
                raise InputError(f"the data has nobody of {name}; expected parts among {', '.join(self.subjects)}")
        chosen = torch.isin(self.subject, torch.tensor([self.subjects.index(name) for name in subjects]))
        return DetectedPeople(
            self.slopes[chosen], self.visible[chosen], self.subject[chosen], self.subjects, self.fingerprint
        )

    def scenes(self, skeleton: Skeleton) -> SceneBatch:
        """Those people who show every joint of a skeleton, each before a camera that faces them from `DISTANCE`.

        Everybody is as large as everybody else: the sum of the bones' lengths in the image is the same for all. That is
        how sizes are found in use as well, see `duolift.networks.people_lifter`.

        Raises:
            InputError: nobody shows them all.
        """
        joints = JOINTS.indices(skeleton.joints)
        slopes, visible = self._with_spine()
        whole = visible[:, joints].all(-1)  # (person,)
        if not whole.any():
            shown = visible.float().mean(0)
            never = [JOINTS.joints[joint] for joint in joints if shown[joint] == 0]
            found = f"{', '.join(never)} of nobody" if never else "every joint of somebody, but all of nobody"
            raise InputError(
                f"of the skeleton {skeleton.name} the files show {found}; expected data.skeleton with joints that they "
                "show, such as detector15"
            )
        slopes = slopes[whole][:, joints]  # (person, joint, 2)
        poses = Normalisation(1.0, 1.0, "ray")(slopes, slopes[:, skeleton.root_index])
        size = bone_lengths(poses, skeleton).sum(-1)  # (person,)
        poses = poses / size[:, None, None]
        head_length = poses[:, skeleton.head_index].norm(dim=-1).mean()
        count = len(poses)
        return SceneBatch(
            pixels=(poses / (DISTANCE * head_length)).unsqueeze(1),  # a camera of focal length 1, aimed at the root
            intrinsics=Intrinsics.ideal(torch.ones(count, 2), torch.zeros(count, 2)),
            sequence=torch.zeros(count, dtype=torch.long),
            sequences=(f"detections/{CAMERA}",),
        )

    def _with_spine(self) -> tuple[Tensor, Tensor]:
        """`slopes` and `visible`, in which the spine follows from other joints if nobody's is seen."""
        spine, between = JOINTS.index(SPINE), JOINTS.indices(SPINE_BETWEEN)
        if self.visible[:, spine].any():
            return self.slopes, self.visible
        slopes, visible = self.slopes.clone(), self.visible.clone()
        slopes[:, spine], visible[:, spine] = slopes[:, between].mean(1), visible[:, between].all(-1)
        return slopes, visible

    def bone_ratios(self, skeleton: Skeleton) -> Tensor:
        """There are none without 3D. Raises InputError."""
        raise InputError(
            "lifting.bone_ratios is training_set, and detectors' files have no 3D to take them from; expected "
            "anthropometric"
        )
