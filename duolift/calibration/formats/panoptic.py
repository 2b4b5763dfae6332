"""CMU Panoptic's `calibration_*.json`, http://domedb.perception.cs.cmu.edu: a list of cameras with K, distCoef, R, t.

Its world has y down, centimetres, and the dome's floor at 0.
"""

from typing import Any

from duolift.calibration.calibration import World

WORLD = World(up=(0.0, -1.0, 0.0), ground=0.0, unit=0.01)


def is_panoptic(found: Any) -> bool:
    """Whether a document is one of Panoptic's.

    >>> is_panoptic({"calibDataSource": "160906_calib_norm", "cameras": []})
    True
    """
    return isinstance(found, dict) and "calibDataSource" in found
