"""The block that lifting and completing networks are made of."""

from torch import Tensor, nn


class ResidualBlock(nn.Module):
    """Two linear layers, a LeakyReLU after each, added to the input.

    >>> import torch
    >>> ResidualBlock(8)(torch.zeros(5, 8)).shape
    torch.Size([5, 8])
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(width, width), nn.LeakyReLU(inplace=True), nn.Linear(width, width), nn.LeakyReLU(inplace=True)
        )

    def forward(self, x: Tensor) -> Tensor:
        """(..., width) -> the same."""
        return x + self.layers(x)
