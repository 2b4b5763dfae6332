"""Detectors: what finds people's joints in pictures.

The networks' weights do not come with the package: `duolift detector install` gets them once.
"""

from duolift.detectors.interface import Detector
from duolift.detectors.registry import DEFAULT_DETECTOR, DETECTORS, load_detector

__all__ = ["DEFAULT_DETECTOR", "DETECTORS", "Detector", "load_detector"]
