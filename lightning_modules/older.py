"""Hyper-parameters of checkpoints that earlier versions wrote, as this version has them."""

from typing import Any

NORMALISATION = ("scale", "c", "centring")
ARCHITECTURE = ("split", "width", "blocks", "elevation_bound", "initial_elevation")
OBJECTIVE = ("bone_ratios", "weights", "azimuth", "attached", "mirror", "sampling", "noise", "augmentation")
OPTIMISER = ("learning_rate", "schedule", "decay", "weight_decay")


def lifter_hyperparameters(found: dict[str, Any]) -> dict[str, Any]:
    """A `LifterModule`'s hyper-parameters, of which version 0.1.0 and before had one flat list.

    Keys that are missing take today's defaults; others than were ever there are left as they are, for `LifterModule` to
    refuse.

    >>> lifter_hyperparameters({"skeleton": "paper19", "scale": 0.1, "c": 5.0, "width": 8, "bone_ratios": [1.0]})
    {'skeleton': 'paper19', 'normalisation': {'scale': 0.1, 'c': 5.0}, 'architecture': {'width': 8}, \
'objective': {'bone_ratios': [1.0]}, 'optimiser': {}}
    """
    if "architecture" in found:
        return found
    rest = dict(found)

    def taken(*keys: str) -> dict[str, Any]:
        return {key: rest.pop(key) for key in keys if key in rest}

    groups = {
        "normalisation": taken(*NORMALISATION),
        "architecture": taken(*ARCHITECTURE),
        "objective": taken(*OBJECTIVE),
        "optimiser": taken(*OPTIMISER),
    }
    if "likelihoods" in rest:
        groups["objective"]["parts"] = rest.pop("likelihoods")
    return rest | groups
