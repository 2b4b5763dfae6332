"""Small valid files of calibrated cameras, in each layout."""

import json

MATRIX = [[900.0, 0.0, 640.0], [0.0, 910.0, 360.0], [0.0, 0.0, 1.0]]
LEVEL = [[1, 0, 0], [0, 0, -1], [0, 1, 0]]  # looks along y, where z is up

COLMAP_CAMERAS = b"""# Camera list with one line of data per camera:
1 OPENCV 1280 720 900 910 640.5 360.5 -0.1 0.02 0.001 0.002
2 SIMPLE_RADIAL 1280 720 900 640 360 0.01
"""

COLMAP_IMAGES = b"""# Image list with two lines of data per image:
1 0.70710678 0.70710678 0 0 0 1.5 4 1 frame_0001.png
640 360 -1 100.5 200.5 7
2 0.70710678 0.70710678 0 0 0.1 1.5 4 2 frame_0002.png

"""

POSE2SIM = b"""[cam_01]
name = "left"
size = [ 1280.0, 720.0]
matrix = [ [ 900.0, 0.0, 640.0], [ 0.0, 910.0, 360.0], [ 0.0, 0.0, 1.0]]
distortions = [ -0.1, 0.02, 0.0, 0.0]
rotation = [ 1.5707963, 0.0, 0.0]
translation = [ 0.0, 1.5, 4.0]
fisheye = false

[metadata]
adjusted = false
error = 0.0
"""

OPENCV = b"""%YAML:1.0
---
image_width: 1280
image_height: 720
camera_matrix: !!opencv-matrix
   rows: 3
   cols: 3
   dt: d
   data: [ 900., 0., 640., 0., 910., 360., 0., 0., 1. ]
distortion_coefficients: !!opencv-matrix
   rows: 1
   cols: 5
   dt: d
   data: [ -0.1, 0.02, 0., 0., 0. ]
"""


def documents() -> list[bytes]:
    """JSON of a static camera, of one frame by frame, and of several as CMU Panoptic has them."""
    still = {"K": MATRIX, "distortion": [-0.1, 0.02, 0, 0], "R": LEVEL, "t": [0, 1.5, 4], "image": [1280, 720]}
    frames = [{"name": f"{number}.png", "R": [1.57, 0, 0], "position": [number, -4, 1.5]} for number in (1, 2)]
    moving = {"K": MATRIX, "up": "z", "ground": 0, "unit": 1, "frames": frames}
    camera = {"name": "00_01", "resolution": [1280, 720], "K": MATRIX, "distCoef": [0] * 5, "R": LEVEL}
    panoptic = {"calibDataSource": "x", "cameras": [{**camera, "t": [[0], [150], [400]]}]}
    return [json.dumps(each).encode() for each in (still, moving, panoptic)]


def others(suffix: str) -> list[bytes]:
    """Files of another suffix."""
    return [{".toml": POSE2SIM, ".yml": OPENCV}[suffix]]
