"""Detectors' files as people on the project's joints, and people who keep their index over a video.

>>> from duolift.inputs import FORMATS, Options, check_source, read, track
>>> list(FORMATS)[:3]
['body25', 'coco18', 'mpi15']
"""

from duolift.inputs.detections import JOINTS, Detections, Frame
from duolift.inputs.keypoints import FORMATS, KeypointFormat, format_named, formats_with, whose_joints
from duolift.inputs.options import Options
from duolift.inputs.pixels import check_pixels
from duolift.inputs.reading import read
from duolift.inputs.registry import FILE_FORMATS, file_format
from duolift.inputs.sources import check_source
from duolift.inputs.tracking import track

__all__ = [
    "FILE_FORMATS",
    "FORMATS",
    "JOINTS",
    "Detections",
    "Frame",
    "KeypointFormat",
    "Options",
    "check_pixels",
    "check_source",
    "file_format",
    "format_named",
    "formats_with",
    "read",
    "track",
    "whose_joints",
]
