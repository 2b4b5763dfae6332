"""Placement: from people lifted one by one to people in one scene.

`METHODS` names what there is. A placement is one file with a `METHOD`, and one entry here: it then is a choice of
`Lifter.lift` and of the command, and its variants are rows of the ablation.
"""

from duolift.placement import fit, ground, paper
from duolift.placement.interface import Method

METHODS: dict[str, Method] = {"paper": paper.METHOD, "ground": ground.METHOD, "fit": fit.METHOD}
"""Placements by name, in the order of the ablation's rows."""

DEFAULT_METHOD = "fit"
"""What the product uses unless told otherwise."""

CLOSED_FORM = "ground"
"""What exported models use: the same idea without trying anything, a chain of closed formulas."""
