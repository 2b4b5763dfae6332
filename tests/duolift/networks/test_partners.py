"""Who is nearest, and that a partner is seen as the person's own camera sees it."""

import pytest
import torch
from torch import Tensor

from duolift.body.skeleton import PAPER19
from duolift.geometry.mirroring import mirrored
from duolift.geometry.normalisation import CENTRINGS, Normalisation
from duolift.geometry.rotations import facing, rotate
from duolift.networks.partners import Partners, nearest_others

EITHER = pytest.mark.parametrize("centring", CENTRINGS)
PEOPLE = pytest.mark.parametrize("people", [2, 3, 5])


def some_people(scenes: int, people: int) -> Tensor:
    """Bodies (scene, person, joint, 3) before a camera."""
    places = torch.tensor([0.5, 0.3, 0.5]) * torch.randn(scenes, people, 1, 3) + torch.tensor([0.0, 0.0, 5.0])
    return places + 0.3 * torch.randn(scenes, people, len(PAPER19), 3)


def seen(people: Tensor) -> Tensor:
    """The slopes of their joints' rays."""
    return people[..., :2] / people[..., 2:]


def partners(coordinates: Tensor, centring: str, visible: Tensor | None = None, reach: float = torch.inf) -> Partners:
    visible = torch.ones_like(coordinates[..., 0], dtype=torch.bool) if visible is None else visible
    return Partners.of(coordinates, visible, Normalisation(0.2, 5.0, centring), PAPER19, reach)


@PEOPLE
def test_the_nearest_is_another_who_is_there_and_nobody_there_is_nearer(people: int) -> None:
    roots, valid = torch.randn(200, people, 2), torch.rand(200, people) < 0.7
    nearest, found = nearest_others(roots, valid)
    for scene in range(200):
        for person in range(people):
            others = [other for other in range(people) if other != person and valid[scene, other]]
            assert found[scene, person] == bool(others)
            if others and valid[scene, person]:
                wanted = min(others, key=lambda other: (roots[scene, other] - roots[scene, person]).norm().item())
                assert nearest[scene, person] == wanted


@EITHER
def test_of_two_each_is_the_others_partner_and_keeps_its_own_mask(centring: str) -> None:
    coordinates, visible = seen(some_people(6, 2)), torch.rand(6, 2, 19) < 0.7
    visible[..., PAPER19.root_index] = True
    found = partners(coordinates, centring, visible)
    assert torch.equal(found.visible, visible.flip(1))
    normalisation = Normalisation(0.2, 5.0, centring)
    roots = coordinates[..., PAPER19.root_index, :]
    assert torch.equal(found.poses[found.visible], normalisation(coordinates.flip(1), roots)[found.visible])

    own = normalisation(coordinates, roots)
    between = normalisation(roots.flip(1).unsqueeze(-2), roots)
    torch.testing.assert_close(found.poses[..., PAPER19.root_index, :], between.squeeze(-2))
    if centring == "shift":
        torch.testing.assert_close((found.poses - between)[found.visible], own.flip(1)[found.visible])


@EITHER
@pytest.mark.parametrize("anything", [1e30, torch.inf, torch.nan])
def test_what_is_not_visible_decides_nothing_and_gets_no_gradient(centring: str, anything: float) -> None:
    coordinates, visible = seen(some_people(6, 3)), torch.rand(6, 3, 19) < 0.7
    found = []
    for hidden in (coordinates, torch.full_like(coordinates, anything)):
        given = torch.where(visible.unsqueeze(-1), coordinates, hidden).requires_grad_()
        one = partners(given, centring, visible)
        one.poses[one.visible].sum().backward()
        assert given.grad is not None and given.grad.isfinite().all()
        found.append((one.poses[one.visible], one.visible, given.grad))
    assert all(torch.equal(one, other) for one, other in zip(*found, strict=True))


def test_a_partner_is_what_the_camera_sees_that_faces_the_person() -> None:
    people = some_people(6, 2)
    turn = facing(seen(people)[..., PAPER19.root_index, :])
    torch.testing.assert_close(partners(seen(people), "ray").poses, seen(rotate(turn, people.flip(1))))


@EITHER
@PEOPLE
def test_in_a_mirror_everybody_has_the_mirrored_partner(centring: str, people: int) -> None:
    coordinates, visible = seen(some_people(9, people)), torch.rand(9, people, 19) < 0.7
    found = partners(coordinates, centring, visible)
    flipped = partners(mirrored(coordinates, PAPER19), centring, visible[..., PAPER19.mirror])
    wanted = found.mirrored(PAPER19)
    assert torch.equal(flipped.visible, wanted.visible)
    torch.testing.assert_close(flipped.poses[flipped.visible], wanted.poses[flipped.visible])


@EITHER
def test_who_is_alone_has_nobody(centring: str) -> None:
    coordinates = seen(some_people(4, 1))
    found, none = partners(coordinates, centring), Partners.none(coordinates)
    assert found.poses.shape == none.poses.shape and torch.equal(found.visible, none.visible)
    assert not none.visible.any() and not none.poses.any()


@EITHER
@pytest.mark.parametrize("to", [0.0, float("nan")])
def test_one_who_is_not_there_is_nobodys_partner_wherever_that_is(centring: str, to: float) -> None:
    coordinates, visible = seen(some_people(8, 3)), torch.ones(8, 3, 19, dtype=torch.bool)
    two, visible[:, 1] = partners(coordinates[:, [0, 2]], centring), False
    coordinates[:, 1] = to
    found = partners(coordinates, centring, visible)
    for name in ("poses", "visible"):
        assert torch.equal(getattr(found, name)[:, [0, 2]], getattr(two, name))


@EITHER
def test_nobody_beyond_reach_is_a_partner(centring: str) -> None:
    coordinates = seen(some_people(50, 3))
    everybody, near = partners(coordinates, centring), partners(coordinates, centring, reach=0.5)
    apart = 5.0 * everybody.poses[..., PAPER19.root_index, :].norm(dim=-1)
    assert torch.equal(near.poses, everybody.poses)
    assert torch.equal(near.visible.all(-1), apart <= 0.5) and torch.equal(near.visible.any(-1), apart <= 0.5)
    assert 0 < near.visible.float().mean() < 1


def test_partners_are_chosen_and_changed_all_at_once() -> None:
    found = partners(seen(some_people(6, 2)), "ray")
    some, flat = found[2:4], found.map(lambda tensor: tensor.flatten(0, 1))
    assert torch.equal(some.poses, found.poses[2:4]) and torch.equal(some.visible, found.visible[2:4])
    assert flat.poses.shape == (12, 19, 2) and flat.visible.shape == (12, 19)
