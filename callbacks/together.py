"""Scenes with as many people each, out of scenes with different numbers of them: what metrics of a scene work on."""

from collections.abc import Callable, Iterator, Mapping

import torch
from torch import Tensor

from duolift.metrics.fast_alignment import align_scene

LEAST = 2
"""People of a scene whose places can be compared."""

Index = tuple[Tensor, Tensor]
"""Scenes (scene, 1) and of each its people (scene, person): what picks (scene, person, ...) out of a tensor."""


def by_number_of_people(valid: Tensor) -> Iterator[Index]:
    """The scenes of so many valid people, for every number of them, and who they are.

    Args:
        valid: (scene, person).

    >>> valid = torch.tensor([[True, False, True], [True, True, True], [False, True, True]])
    >>> [(scenes.flatten().tolist(), people.tolist()) for scenes, people in by_number_of_people(valid)]
    [([0, 2], [[0, 2], [1, 2]]), ([1], [[0, 1, 2]])]
    """
    number, first = valid.sum(-1), (~valid).to(torch.uint8).argsort(dim=-1, stable=True)  # valid people come first
    for count in number.unique().tolist():
        if count:
            scenes = (number == count).nonzero()
            yield scenes, first[scenes.squeeze(-1), :count]


def scored_together(valid: Tensor, score: Callable[[Index], Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """Numbers of every scene (scene,), of scenes that are scored by the number of their people; NaN for fewer than two.

    Args:
        valid: (scene, person).
        score: of some scenes, numbers by name, each (scene,).

    >>> valid = torch.tensor([[True, True, True], [True, False, False], [True, True, False]])
    >>> scored_together(valid, lambda some: {"people": torch.full((len(some[0]),), float(some[1].shape[1]))})
    {'people': tensor([3., nan, 2.])}
    """
    scores: dict[str, Tensor] = {}
    for scenes, people in by_number_of_people(valid):
        if people.shape[1] < LEAST:
            continue
        for name, values in score((scenes, people)).items():
            whole = scores.setdefault(name, values.new_full((len(valid),), torch.nan))
            whole[scenes.squeeze(-1)] = values
    return scores


def aligned(people: Tensor, truth: Tensor, valid: Tensor | None) -> Tensor:
    """Scenes (scene, person, joint, 3) aligned with the truth by one similarity each, of the valid people.

    Args:
        valid: (scene, person); None for everybody. Whoever is not valid is left where they are.

    >>> truth = torch.randn(2, 3, 19, 3)
    >>> valid = torch.tensor([[True, True, True], [True, False, True]])
    >>> torch.allclose(aligned(2 * truth + 1, truth, valid)[valid], truth[valid], atol=1e-4)
    True
    """
    if valid is None:
        return align_scene(people, truth)
    moved = people.clone()
    for index in by_number_of_people(valid):
        moved[index] = align_scene(people[index], truth[index])
    return moved
