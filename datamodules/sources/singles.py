"""What readers of data sets of single people share: sequences become `Views`, and are checked."""

from dataclasses import dataclass

import torch
from torch import Tensor

from datamodules.views import Views
from duolift.body.skeleton import H36M17
from duolift.errors import InputError
from duolift.geometry.cameras import Intrinsics
from duolift.geometry.scene_batch import SceneBatch

MILLIMETRES_PER_METRE = 1000.0


@dataclass(frozen=True)
class Sequence:
    """A person before a camera.

    Attributes:
        name: `<subject>/<action>/<camera>`.
        pixels: (frame, joint, 2).
        points: (frame, joint, 3), camera frame, metres.
        lens: the camera's, without leading axes.
        up: (3,), the world's up in the camera frame, or None where nothing tells it.
    """

    name: str
    pixels: Tensor
    points: Tensor
    lens: Intrinsics
    up: Tensor | None


def views_of(
    sequences: list[Sequence],
    joints: tuple[str, ...],
    fingerprint: str,
    image: tuple[float, float],
    consecutive: bool,
    where: str,
) -> Views:
    """All sequences as one.

    Args:
        where: the data set, for messages.

    Raises:
        InputError: hips are on the other side than shoulders in most poses.
    """
    lengths = torch.tensor([len(one.pixels) for one in sequences])
    ups = [one.up for one in sequences if one.up is not None]
    batch = SceneBatch(
        pixels=torch.cat([one.pixels for one in sequences]).unsqueeze(1),
        intrinsics=Intrinsics(
            **{
                name: torch.stack([getattr(one.lens, name) for one in sequences]).repeat_interleave(lengths, dim=0)
                for name in ("focal", "principal", "radial", "tangential")
            }
        ),
        sequence=torch.arange(len(sequences)).repeat_interleave(lengths),
        sequences=tuple(one.name for one in sequences),
        truth=torch.cat([one.points for one in sequences]).unsqueeze(1) * MILLIMETRES_PER_METRE,
        up=torch.stack(ups).repeat_interleave(lengths, dim=0) if len(ups) == len(sequences) else None,
    )
    views = Views(batch, joints, fingerprint, image, consecutive)
    _refuse_swapped_legs(views, where)
    return views


def _refuse_swapped_legs(views: Views, where: str) -> None:
    """Hips and shoulders have the same side, but for those who twist; converters are known to swap the legs."""
    truth = views.scenes(H36M17).truth
    assert truth is not None
    across = [
        truth[:, 0, H36M17.index(f"left_{name}")] - truth[:, 0, H36M17.index(f"right_{name}")]
        for name in ("hip", "shoulder")
    ]
    agrees = (across[0] * across[1]).sum(-1) > 0
    if agrees.float().mean() < 0.5:
        raise InputError(
            f"{where}: hips are on the other side than shoulders in {1 - agrees.float().mean():.0%} of the poses; "
            f"expected joints in the order {', '.join(views.joints)}"
        )
