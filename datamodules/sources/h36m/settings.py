"""How Human3.6M is read: `data.h36m` of a run."""

import re
from dataclasses import dataclass

from duolift.bounds import Positive, check_bounds


@dataclass(frozen=True)
class H36mConfig:
    """What is read of Human3.6M.

    Attributes:
        detections: which 2D poses, `data_2d_h36m_<detections>.npz`: `gt` are projections of the true joints,
            `cpn_ft_h36m_dbb` a detector's.
        every: one frame in so many of every video, 1 for all. ElePose and others take every 64th.

    >>> H36mConfig(detections="../gt")
    Traceback (most recent call last):
    ...
    ValueError: detections is '../gt'; expected a name such as gt or cpn_ft_h36m_dbb
    """

    detections: str = "gt"
    every: Positive[int] = 64

    def __post_init__(self) -> None:
        check_bounds(self)
        if not re.fullmatch(r"[\w-]+", self.detections):
            raise ValueError(f"detections is {self.detections!r}; expected a name such as gt or cpn_ft_h36m_dbb")
