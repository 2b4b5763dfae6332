"""The terms of a person's energy over a video, a file each.

A term is a function of what is known and of where the joints are taken to be. It adds to the normal equations of a
step of Gauss and Newton's method; `TERMS` are those that are summed.
"""

from collections.abc import Callable

from duolift.motion.evidence import Evidence
from duolift.motion.quadratic import Array, Quadratic
from duolift.motion.terms.bodies import bodies
from duolift.motion.terms.bones import bones
from duolift.motion.terms.given import given
from duolift.motion.terms.inertia import inertia
from duolift.motion.terms.keypoints import keypoints
from duolift.motion.terms.places import places

Term = Callable[[Evidence, Array, Quadratic], None]
"""What is known, joints (frame, joint, 3), and the equations that are added to."""

TERMS: dict[str, Term] = {
    "keypoints": keypoints,
    "bodies": bodies,
    "places": places,
    "bones": bones,
    "inertia": inertia,
    "given": given,
}
"""Name -> term."""
