"""The metrics of `duolift.metrics.definitions` for many predictions of one truth, some twenty times as fast.

No prediction is moved: sums over a person's joints give the similarity of the scene and of each person, and those give
the errors. Everything that depends on the truth alone is computed once. Tensors are structs of arrays, (3, joint,
person, scene): see `duolift.metrics.fast_alignment`.
"""

from collections.abc import Sequence
from math import prod

import torch
from torch import Tensor

from duolift.metrics.definitions import CONTACT, CONTACT_MM, check_predicted, check_truth
from duolift.metrics.fast_alignment import components, correlation, reversed_axes, similarity


class Truth:
    """True people of scenes, and everything of them that predictions are compared with, computed once.

    Args:
        people: (..., person, joint, 3), millimetres.
        root: index of the root joint.
        hands: indices of the joints that people touch each other with, where contact is scored as well.

    Raises:
        ValueError: an array of another shape, or people of no size, of which nothing is a share.

    Example:
        >>> people = 500 * torch.randn(8, 2, 19, 3)
        >>> Truth(people, root=0).score(people / 700)["pa_mpjpe_mm"].shape
        torch.Size([8])
    """

    def __init__(self, people: Tensor, root: int, hands: Sequence[int] = ()) -> None:
        check_truth(people, root)
        self.shape, self.root = people.shape, root
        points = self._components(people)
        self._roots, centre = points[:, root], points.mean(1)
        self._displacements = _between(self._roots)
        self._distances = _length(self._displacements)
        self._sizes = _root((points - self._roots.unsqueeze(1)).square().sum((0, 1)))
        self._total = self._sizes.sum(0)
        self._joints, self._middle = points - centre.unsqueeze(1), centre.mean(1, keepdim=True)
        self._centre = centre - self._middle
        spread = self._joints.square().sum((0, 1))
        scene_spread = spread.sum(0) + len(points[0]) * self._centre.square().sum((0, 1))
        self._spreads = torch.cat([scene_spread.unsqueeze(0), spread])
        self._touching = _contact(points, list(hands)) if hands else None

    def score(self, predicted: Tensor, alone: Tensor | None = None) -> dict[str, Tensor]:
        """All metrics, each (...), by their names in `duolift.metrics.definitions.score`.

        Args:
            predicted: (..., person, joint, 3), any unit, any frame.
            alone: (...), `pa_mpjpe_person_mm`, where it is known already.

        Raises:
            ValueError: predictions of another shape.
        """
        check_predicted(predicted, self.shape)
        points = self._components(predicted)
        roots = points[:, self.root]
        joints = points - roots.unsqueeze(1)
        squares, middle = joints.square().sum((0, 1)), joints.mean(1)
        roots = roots - (roots + middle).mean(1, keepdim=True)  # about the scene's middle
        turns = self._similarities(joints, squares, middle, roots + middle, alone is None)
        turn = turns[:, :, :1]
        placed, scale = _turned(turn, roots), _root(turn[:, :, 0].square().sum((0, 1)) / 3)
        sizes, displacements = scale * _root(squares), _between(placed)
        amiss, together = (sizes - self._sizes).abs(), (sizes.sum(0) - self._total).abs()
        scores = {
            "pa_mpjpe_mm": self._error(joints, turn, placed - self._centre),
            "scale_error_mm": amiss.mean(0),
            "scale_error_pct": 100 * (amiss / self._sizes).mean(0),
            "scene_scale_error_mm": together,
            "scene_scale_error_pct": 100 * together / self._total,
            "translation_error_mm": _length((placed + self._middle - self._roots).abs().mean(1)),
            "root_displacement_error_mm": _length(displacements - self._displacements).mean(0),
            "root_distance_error_mm": (_length(displacements) - self._distances).abs().mean(0),
        }
        if alone is None:
            scores["pa_mpjpe_person_mm"] = self._error(joints, turns[:, :, 1:], -_turned(turns[:, :, 1:], middle))
        if self._touching:
            pair, distance = self._touching
            first, second = points.flatten(1, 2).gather(1, pair.expand(3, 2, -1)).unbind(1)
            wrong = (scale * _length(first - second) - distance).abs()
            scores[CONTACT] = wrong.where(distance < CONTACT_MM, torch.nan)
        scores = {name: value.view(self.shape[:-3]) for name, value in scores.items()}
        return scores if alone is None else scores | {"pa_mpjpe_person_mm": alone}

    def _similarities(self, joints: Tensor, squares: Tensor, middle: Tensor, centre: Tensor, each: bool) -> Tensor:
        """What turns and scales a scene, (3, 3, 1, scene), and behind it, if wanted, each of its people alone.

        Args:
            joints: (3, joint, person, scene), each person's about their root; `squares` and `middle` are the sums of
                their squares, (person, scene), and their means, (3, person, scene).
            centre: (3, person, scene), of people about the scene's middle.
            each: whether people alone are wanted.
        """
        count = joints.shape[1]
        of_people, spread = correlation(joints, self._joints), squares - count * middle.square().sum(0)
        of_scene = of_people.sum(2, keepdim=True) + count * correlation(centre, self._centre).unsqueeze(2)
        scene_spread = spread.sum(0, keepdim=True) + count * centre.square().sum((0, 1))
        if not each:
            return similarity(of_scene, scene_spread, self._spreads[:1])
        return similarity(torch.cat([of_scene, of_people], 2), torch.cat([scene_spread, spread]), self._spreads)

    def _components(self, people: Tensor) -> Tensor:
        return components(people.reshape(prod(self.shape[:-3]), *self.shape[-3:]))

    def _error(self, joints: Tensor, turn: Tensor, offset: Tensor) -> Tensor:
        """Mean distance (scene,) of joints (3, joint, person, scene) from people's true joints about their centre, once
        they are turned and scaled (3, 3, person, scene), and then moved (3, person, scene)."""
        squares = torch.zeros_like(joints[0])
        for axis, true in enumerate(self._joints):
            away = offset[axis] - true
            for row, along in zip(turn[:, axis], joints, strict=True):
                away = torch.addcmul(away, row, along)
            squares = torch.addcmul(squares, away, away)
        return _root(squares).mean((0, 1))


def _turned(turn: Tensor, vectors: Tensor) -> Tensor:
    """Vectors (3, person, scene) by what turns and scales them, (3, 3, person, scene)."""
    return (turn * vectors.unsqueeze(1)).sum(0)


def _contact(points: Tensor, hands: list[int]) -> tuple[Tensor, Tensor]:
    """Who touches whom in (3, joint, person, scene): a hand of one and another's nearest joint.

    Returns:
        the pair that is closest, (2, scene), each counted over joint * person; and its distance (scene,).
    """
    _, joints, people, scenes = points.shape
    touching = reversed_axes(points[:, hands].reshape(3, -1, scenes))  # (scene, hand * person, 3)
    everybody = reversed_axes(points.reshape(3, -1, scenes))
    apart = torch.cdist(touching, everybody, compute_mode="donot_use_mm_for_euclid_dist")
    person = torch.arange(people, device=points.device)
    own = person.repeat(len(hands)).unsqueeze(-1) == person.repeat(joints)
    nearest, which = apart.masked_fill(own, torch.inf).flatten(1).min(-1)
    hand, joint = which // (joints * people), which % (joints * people)
    hand = torch.tensor(hands, device=points.device)[hand // people] * people + hand % people
    return torch.stack([hand, joint]), nearest


def _between(roots: Tensor) -> Tensor:
    """From the first's root to the second's of every two people: (3, person, ...) -> (3, pair, ...)."""
    first, second = torch.triu_indices(roots.shape[1], roots.shape[1], offset=1, device=roots.device)
    return roots[:, second] - roots[:, first]


def _length(vectors: Tensor) -> Tensor:
    """L2 norms over the first axis."""
    return _root(vectors.square().sum(0))


def _root(squares: Tensor) -> Tensor:
    """Square roots, with a gradient at zero."""
    return squares.clamp(min=torch.finfo(squares.dtype).tiny).sqrt()
