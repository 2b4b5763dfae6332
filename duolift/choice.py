"""Who of the people that were found is in a scene."""

from collections.abc import Sequence
from dataclasses import dataclass

from duolift.errors import InputError
from duolift.inputs.detections import Detections
from duolift.inputs.ghosts import fleeting_notes, ghosts
from duolift.sightings import Sightings


@dataclass(frozen=True)
class Choice:
    """Who is to be in a scene.

    >>> Choice(people=(1, 2)).without_ghosts
    False

    Attributes:
        people: their identities; None for all.
        without_ghosts: leave out of all those who are no people (`duolift.inputs.ghosts`).
    """

    people: tuple[int, ...] | None = None
    without_ghosts: bool = False

    def of(self, seen: Sightings) -> tuple[Sightings, list[str]]:
        """Those people who are in the scene, and what to say of the others.

        Raises:
            InputError: a person was chosen who is not there.
        """
        detections, wanted = seen.detections, self.people
        identities, video = detections.identities, bool(detections.video)
        if seen.nobody:
            if wanted:
                raise InputError(f"people: {_listed(wanted)} chosen, and nobody is in {_place(detections)}")
            return seen, []
        visible = seen.visible.cpu().numpy()
        few = fleeting_notes(visible, identities) if video else []
        if wanted is not None:
            if missing := [identity for identity in wanted if identity not in identities]:
                raise InputError(
                    f"people: {_listed(missing)} is not in {_place(detections)}; expected some of {_listed(identities)}"
                )
            return seen.chosen([identities.index(identity) for identity in wanted]), few
        if not self.without_ghosts:
            return seen, few
        nobody = ghosts(seen.pixels.double().cpu().numpy(), visible, identities, video)
        kept = [index for index, identity in enumerate(identities) if identity not in nobody]
        notes = [f"person {one} {why}, and is left out (--people chooses)" for one, why in nobody.items()]
        few = [note for note in few if not any(note.startswith(f"person {one} ") for one in nobody)]
        return seen.chosen(kept) if nobody else seen, [*notes, *few]


EVERYBODY = Choice()


def _listed(identities: Sequence[int]) -> str:
    return ", ".join(map(str, identities))


def _place(detections: Detections) -> str:
    """The video or image, as part of a message."""
    return detections.video or detections.names[0]
