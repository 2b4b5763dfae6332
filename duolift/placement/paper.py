"""The paper's placement: people lifted one at a time, put into one scene (section 3.2, equations 2 and 3).

Hardy and Kim, "Unsupervised Multi-Person 3D Human Pose Estimation From 2D Poses Alone". Every root starts at one
distance c; elevation compensation decides the roots' heights, rotation compensation levels the bodies, and scale
compensation makes everybody stand on one plane.

Camera frame: x right, y down, z forward; head lengths. Any number of people; batched over leading axes, differentiable.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from duolift.geometry.lifted import Lifted
from duolift.geometry.rotations import rotate, rotation_x
from duolift.placement.interface import Method, Placed, SceneCameras, Variant

LEVEL_PIXELS = 50.0
"""Roots whose pixel rows differ by no more than this count as level (section 3.2 of the paper)."""

LARGEST_SCALE = 4.0
"""Scale compensation never scales a person by more than this, or by less than its inverse."""

SCALE_ABOUT = ("camera", "root", "origin")

AT_ONCE = 8192
"""Scenes that are placed at once: memory beside what comes out is that of these, and no batch of a training is as
large."""


@dataclass(frozen=True)
class PaperPlacement:
    """One row of the paper's Table 1; the default is the full method.

    Attributes:
        elevation: a root's height follows from the elevation angle (equation 2), not from its place in the image.
        rotation: every body is levelled by its own elevation angle (equation 3).
        rule: people whose roots are within 50 pixel rows share one elevation angle, their mean, and, where heights come
            from the image, one height.
        scale_about: the point about which people are scaled until their lower feet share a plane. The paper leaves it
            open: `camera` scales body and root together about the camera, which moves people in depth; `root` scales
            each body about its own root; `origin` scales body and root about the point midway between the roots.

    Raises:
        ValueError: `scale_about` is none of these.

    Example:
        >>> from duolift.body.skeleton import PAPER19
        >>> lifted = Lifted.of(PAPER19, torch.randn(1, 2, 19, 3), torch.zeros(1, 2), torch.zeros(1, 2, 2), 10.0)
        >>> PaperPlacement(rule=False)(lifted, SceneCameras()).people.shape
        torch.Size([1, 2, 19, 3])
    """

    elevation: bool = True
    rotation: bool = True
    rule: bool = True
    scale_about: str = "camera"

    def __post_init__(self) -> None:
        if self.scale_about not in SCALE_ABOUT:
            raise ValueError(f"scale_about is {self.scale_about!r}; expected one of {', '.join(SCALE_ABOUT)}")

    @property
    def camera_estimate(self) -> None:
        """The paper estimates no camera: it takes it to be level."""
        return None

    @property
    def keeps_bodies(self) -> bool:
        return True

    def __call__(self, lifted: Lifted, cameras: SceneCameras) -> Placed:
        """Place people in one scene, in the frame of a level camera; nothing of `cameras` is used.

        Raises:
            ValueError: `rule` needs the roots' pixel rows, and `lifted` has none.
        """
        lifted = lifted.without_invalid().at_one_distance()
        common = lifted.common_distance
        assert common is not None
        people = lifted.bodies.clone()
        for first in range(0, len(lifted), AT_ONCE):
            for scenes, persons in visibility_groups(lifted.valid[first : first + AT_ONCE]):
                here = first + scenes.nonzero(), persons.nonzero().squeeze(-1)  # (scene, 1) and (person,): a grid
                some = lifted[here]
                assert some.root_places is not None
                people[here] = self.place(
                    some.bodies, some.elevation, some.root_places, some.root_rows, common, lifted.skeleton.feet
                )
        roots, feet = people[..., lifted.skeleton.root_index, :], people[..., lifted.skeleton.feet, 1].amax(-1)
        weight = lifted.valid.to(feet)
        return Placed(
            people=people,
            up=people.new_tensor([0.0, -1.0, 0.0]).expand(len(people), 3),
            height=(weight * feet).sum(-1) / weight.sum(-1).clamp(min=1),
            depth=roots.norm(dim=-1),
            confidence=weight,
        )

    def place(
        self, bodies: Tensor, elevation: Tensor, places: Tensor, rows: Tensor | None, c: float, feet: list[int]
    ) -> Tensor:
        """The mathematics, on people who are all there.

        Args:
            bodies: (..., person, joint, 3), lifted at distance c and centred on the root.
            elevation: (..., person), radians.
            places: (..., person, 2), right of and below the optical axis, of the roots at distance c.
            rows: (..., person), the roots' pixel rows, for the rule; None without it.
            c: distance of the roots, head lengths.
            feet: indices of the joints that may rest on the ground.

        Returns:
            (..., person, joint, 3), head lengths, camera frame, turned level where `rotation`.

        Raises:
            ValueError: the rule without rows.
        """
        if self.rule and rows is None:
            raise ValueError("rows is None; expected the roots' pixel rows, which the 50-pixel rule compares")
        group = level_groups(rows) if self.rule and rows is not None else None  # (..., person)
        if group is not None:
            elevation = group_mean(elevation, group)
        if self.rotation:
            bodies = rotate(rotation_x(elevation), bodies)  # equation 3
        x, y = places.unbind(-1)  # (..., person) each
        if self.elevation:
            y = -c * elevation.tan()  # equation 2
        elif group is not None:
            y = group_mean(y, group)
        return self._scale(bodies, torch.stack([x, y, torch.full_like(x, c)], dim=-1), feet)

    def _scale(self, bodies: Tensor, roots: Tensor, feet: list[int]) -> Tensor:
        """Scale compensation: scale every person until the lower foot lies on one plane y = ground.

        The plane is the mean of the unscaled feet's heights. A person whose foot is not below the point of scaling
        keeps their size, since no scale reaches the plane.
        """
        if self.scale_about == "camera":
            origin = torch.zeros_like(roots)
        elif self.scale_about == "root":
            origin = roots
        else:
            origin = roots.mean(-2, keepdim=True).expand_as(roots)
        foot = bodies[..., feet, 1].amax(-1) + roots[..., 1]  # (..., person)
        ground = foot.mean(-1, keepdim=True)  # (..., 1)
        reach, wanted = foot - origin[..., 1], ground - origin[..., 1]
        possible = (reach > 0) & (wanted > 0)
        scale = torch.where(possible, wanted / torch.where(possible, reach, 1), 1).clamp(
            1 / LARGEST_SCALE, LARGEST_SCALE
        )
        people = bodies + roots.unsqueeze(-2)  # (..., person, joint, 3)
        return origin.unsqueeze(-2) + scale[..., None, None] * (people - origin.unsqueeze(-2))


TABLE_1: dict[str, PaperPlacement] = {
    "2D displacement": PaperPlacement(elevation=False, rotation=False, rule=False),
    "+ 50-pixel rule": PaperPlacement(elevation=False, rotation=False),
    "+ rotation compensation": PaperPlacement(elevation=False),
    "+ elevation compensation": PaperPlacement(),
}
"""Table 1 of the paper, row by row."""

MAIN = "+ elevation compensation"
"""The row that is the paper's full method."""

PUBLISHED_METRICS = ("pa_mpjpe_mm", "scale_error_pct", "translation_error_mm", "root_displacement_error_mm")

PUBLISHED: dict[str, dict[str, float]] = {
    name: dict(zip(PUBLISHED_METRICS, values, strict=True))
    for name, values in {
        "2D displacement": (208.1, 5.3, 87.6, 148.4),
        "+ 50-pixel rule": (166.1, 4.8, 76.5, 129.4),
        "+ rotation compensation": (163.4, 4.1, 74.6, 126.6),
        "+ elevation compensation": (149.4, 2.5, 69.9, 105.8),
    }.items()
}
"""What the paper reports for each row, measured on CHI3D."""


METHOD = Method(
    image=PaperPlacement(),
    video=PaperPlacement(),
    variants=tuple(
        Variant(
            name,
            replace(placement, scale_about=about),
            published=PUBLISHED[name],
            on_perfect_lifts=placement if (name, about) == (MAIN, "camera") else None,
        )
        for about in SCALE_ABOUT
        for name, placement in TABLE_1.items()
    ),
)
"""Table 1 under each reading of the scale step; the full method on perfect lifts as well."""


def level_groups(rows: Tensor) -> Tensor:
    """People whose roots are level with each other, directly or through others between them.

    Args:
        rows: (..., person), pixel rows of the roots.

    Returns:
        (..., person), the number of each person's group.

    Example:
        >>> level_groups(torch.tensor([400.0, 300.0, 440.0]))
        tensor([1, 0, 1])
    """
    ordered, order = rows.sort(dim=-1)
    number = torch.zeros_like(order)
    number[..., 1:] = (ordered.diff(dim=-1) > LEVEL_PIXELS).cumsum(-1)
    return torch.empty_like(number).scatter_(-1, order, number)


def group_mean(values: Tensor, group: Tensor) -> Tensor:
    """Every value (..., person) replaced by the mean over its group.

    Example:
        >>> group_mean(torch.tensor([1.0, 5.0, 3.0]), torch.tensor([1, 0, 1]))
        tensor([2., 5., 2.])
    """
    same = (group.unsqueeze(-1) == group.unsqueeze(-2)).to(values.dtype)  # (..., person, person)
    return (same @ values.unsqueeze(-1)).squeeze(-1) / same.sum(-1)


def visibility_groups(valid: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """The scenes in which the same people are valid, as masks; scenes without anybody are left out.

    Args:
        valid: (scene, person).

    Yields:
        masks of the scenes (scene,) and of the people in them (person,).

    >>> valid = torch.tensor([[True, True], [True, False], [True, True]])
    >>> [(scenes.tolist(), persons.tolist()) for scenes, persons in visibility_groups(valid)]
    [([False, True, False], [True, False]), ([True, False, True], [True, True])]
    """
    for persons in valid.unique(dim=0):
        if persons.any():
            yield (valid == persons).all(-1), persons
