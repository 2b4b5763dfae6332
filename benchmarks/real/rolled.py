"""The same people by cameras that are rolled: every view's pictures turned, and what a detector saw in them.

Real pictures of rolled cameras whose truth is known are rare. A turned picture is one: it shows what the camera would
have seen. A detector would have seen a little less well what it is taken to see as well as ever.
"""

from dataclasses import replace

import numpy as np
import torch

from benchmarks.real.capture import Capture, Turn, View
from duolift.geometry.rotations import rotation_z


def rolled(capture: Capture, degrees: float) -> Capture:
    """The views with up leaning further to the right in their pictures, which are enlarged to hold what they showed.

    >>> rolled(Capture("nobody", (), {}, 25.0), 20.0).title
    'nobody, cameras rolled by 20 degrees'
    """
    views = tuple(_rolled(view, degrees) for view in capture.views)
    return replace(capture, title=f"{capture.title}, cameras rolled by {degrees:g} degrees", views=views)


def _rolled(view: View, degrees: float) -> View:
    angle = torch.tensor(degrees, dtype=torch.float64).deg2rad()
    rotation = rotation_z(angle).numpy()[:2, :2]
    width, height = np.abs(rotation) @ np.array(view.image)
    turn, camera = Turn(rotation, view.image, (float(width), float(height))), view.camera
    principal = torch.from_numpy(turn(camera.principal.numpy()))
    turned = replace(camera, rotation=rotation_z(angle) @ camera.rotation, principal=principal)
    return replace(view, camera=turned, image=turn.after, turn=turn)
