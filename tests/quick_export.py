"""A model that is exported in a moment, for tests of all around it: tracing a lifter takes half a minute."""

import torch
from torch import Tensor

from duolift.export import OUTPUTS
from duolift.networks.people_lifter import PeopleLifter


class Still(torch.nn.Module):
    """An `ImageLifter` that needs no time to export: everybody is at their keypoints, and weights fill a disk."""

    def __init__(self, people: PeopleLifter) -> None:
        super().__init__()
        self.weights = torch.nn.Parameter(torch.ones(200_000))

    def forward(
        self, keypoints: Tensor, visible: Tensor, focal: Tensor, principal: Tensor, noise: Tensor
    ) -> dict[str, Tensor]:
        people = torch.cat([keypoints, visible.unsqueeze(-1).to(keypoints)], -1) + self.weights.sum()
        up = torch.cat([principal, focal.unsqueeze(-1)], -1)
        return dict(zip(OUTPUTS, (people, noise + 1, up, 2 * focal, 2 * noise), strict=True))
