"""Where tensors are computed: devices by name, and which of them this machine has."""

import torch

from duolift.errors import InputError


def available_devices() -> list[str]:
    """The devices of this machine by torch's names, the CPU first.

    >>> available_devices()[0]
    'cpu'
    """
    if not torch.accelerator.is_available():
        return ["cpu"]
    kind = torch.accelerator.current_accelerator()
    assert kind is not None
    return ["cpu", *(f"{kind.type}:{number}" for number in range(torch.accelerator.device_count()))]


def device_named(name: str | torch.device) -> torch.device:
    """A device of this machine.

    Args:
        name: as torch names it, such as `cpu`, `cuda` or `cuda:1`.

    >>> device_named("cpu")
    device(type='cpu')
    >>> device_named("abacus")
    Traceback (most recent call last):
    duolift.errors.InputError: device 'abacus' is unknown or not there; expected cpu

    Raises:
        InputError: a name that torch does not know, or of a device that is not there.
    """
    there = available_devices()
    try:
        device = torch.device(name)
    except (RuntimeError, TypeError):
        device = None
    if device is None or f"{device.type}:{device.index or 0}" not in (*there, "cpu:0"):
        raise InputError(f"device {str(name)!r} is unknown or not there; expected {' or '.join(there)}")
    return device
