"""Lenses, and how one world becomes another, as a scene's JSON has them."""

from typing import Any

from duolift.calibration import values
from duolift.calibration.lens import Lens
from duolift.errors import InputError
from duolift.scene import Reference

LENS_KEYS = ("model", "focal", "principal", "distortion")
REFERENCE_KEYS = ("source", "unit", "rotation", "translation")


def lens_object(lens: Lens) -> dict[str, Any]:
    """A lens as JSON has it.

    >>> lens_object(Lens((900.0, 910.0), (640.0, 360.0)))
    {'model': 'opencv', 'focal': [900.0, 910.0], 'principal': [640.0, 360.0], 'distortion': []}
    """
    return {
        "model": lens.model,
        "focal": list(lens.focal),
        "principal": list(lens.principal),
        "distortion": list(lens.distortion),
    }


def lens_of(found: Any) -> Lens:
    """A lens from JSON. Raises InputError for anything else.

    >>> lens_of(lens_object(Lens((900.0, 910.0), (640.0, 360.0)))).focal
    (900.0, 910.0)
    """
    _check_keys(found, "lens", LENS_KEYS)
    (fx, fy), (cx, cy) = (values.numbers(found[key], f"lens: {key}", 2).tolist() for key in ("focal", "principal"))
    matrix = [[fx, 0.0, cx], [0.0, fy, cy], [0.0, 0.0, 1.0]]
    return values.lens(matrix, found["distortion"], found["model"], "lens")


def reference_object(reference: Reference) -> dict[str, Any]:
    """A reference as JSON has it.

    >>> import numpy as np
    >>> reference_object(Reference("camera.json", 0.01, np.eye(3), np.zeros(3)))["unit"]
    0.01
    """
    return {
        "source": reference.source,
        "unit": reference.unit,
        "rotation": reference.rotation.tolist(),
        "translation": reference.translation.tolist(),
    }


def reference_of(found: Any) -> Reference | None:
    """A reference from JSON, None for null. Raises InputError for anything else.

    >>> reference_of(None) is None
    True
    """
    if found is None:
        return None
    _check_keys(found, "reference", REFERENCE_KEYS)
    if not isinstance(found["source"], str):
        raise InputError(f"reference: source is {str(found['source'])[:60]!r}; expected the name of a file")
    unit = float(values.numbers(found["unit"], "reference: unit", 1)[0])
    if unit < 0:
        raise InputError(f"reference: unit is {unit:g}; expected metres")
    matrix = values.numbers(found["rotation"], "reference: rotation", 3, 3)
    values.near_rotation(matrix, "reference: rotation")
    return Reference(found["source"], unit, matrix, values.numbers(found["translation"], "reference: translation", 3))


def _check_keys(found: Any, what: str, keys: tuple[str, ...]) -> None:
    if not isinstance(found, dict) or any(key not in found for key in keys):
        raise InputError(f"{what} is {str(found)[:60]}; expected an object with {', '.join(keys)}")
