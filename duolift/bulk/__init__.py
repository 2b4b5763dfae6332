"""Many people, on one machine or more: Parquet files of keypoints in, Parquet files of people in one scene out.

    python -m duolift.bulk keypoints/ people/ --workers 8

A row is a person, and a file is the unit of work: it is read a few images at a time, lifted, and written whole or not
at all. Files that are there already are not made again, so the same command goes on where it was interrupted, on any
number of machines that see both folders. Ray (the extra `ray`) shares the files out; without workers they are lifted
here, one after the other.

Columns that are read, in any order; others are ignored:

    image       string or integer; all rows of an image follow each other
    person      integer
    width       of the image, pixels
    height      of the image, pixels
    keypoints   list of floats, x and y of every joint of the lifter's skeleton, pixels; NaN where a joint is not seen
    confidence  list of floats, one for each joint; 0 where a joint is not seen
    focal       pixels; this column may be missing, or hold nulls: a normal lens is assumed

Columns that are written, one row for every row read, in the same order:

    image, person  as read
    joints         list of floats, x, y and z of every joint: metres, camera coordinates (x right, y down, z forward)
    elevation      of the person, radians; see `duolift.learning.cycle`
    confidence     0 to 1, in the person's place; where too few joints are seen it is 0, and joints are NaN
    up             list of 3 floats, unit vector, camera coordinates; the same for all people of an image
    camera_height  of the camera above the ground, metres
    focal          pixels, as read or assumed
"""

from duolift.bulk.file_lifter import FileLifter, Outcome
from duolift.bulk.folders import lift_files

__all__ = ["FileLifter", "Outcome", "lift_files"]
