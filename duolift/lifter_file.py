"""A lifter's file: safetensors with the weights of a `PeopleLifter`, and in its metadata what they are the weights of.

The metadata's key `duolift` holds JSON:

    format        the version of this layout, `FORMAT`; files of `READABLE` are read
    version       the duolift that wrote the file
    architecture  a `PeopleArchitecture`, as plain values
    origin        where the weights come from: run, experiment, seed, data
"""

import json
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from duolift import __version__
from duolift.errors import InputError
from duolift.files import regular, write_bytes
from duolift.networks.people_architecture import PeopleArchitecture
from duolift.networks.people_lifter import PeopleLifter, weight_shapes
from duolift.networks.told_alone import bell

FORMAT = 4
"""Version of the layout that is written. In format 1 the architecture was one flat list, format 2 knew no detection
network, and of how cameras are held format 3 knew no more than means and deviations."""

READABLE = (1, 2, 3, 4)


def write_lifter(people: PeopleLifter, path: Path, origin: dict[str, Any] | None = None) -> None:
    """Write a lifter's file, its weights in half precision, whole or not at all.

    Raises:
        InputError: a place that cannot be written to, or a disk that is full.
    """
    header = {
        "format": FORMAT,
        "version": __version__,
        "architecture": people.architecture.plain(),
        "origin": origin or {},
    }
    weights = {name: value.half().contiguous() for name, value in people.state_dict().items()}
    write_bytes(path, safetensors.torch.save(weights, {"duolift": json.dumps(header)}))


def read_lifter(path: Path) -> tuple[PeopleLifter, dict[str, Any]]:
    """A lifter from its file, and where its weights come from.

    >>> import tempfile
    >>> from duolift.networks.architecture import Architecture
    >>> people = PeopleLifter(PeopleArchitecture("paper19", Architecture(width=8, blocks=1), c=10.0))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_lifter(people, Path(folder) / "lifter.safetensors", {"run": "mine"})
    ...     read, origin = read_lifter(Path(folder) / "lifter.safetensors")
    >>> read.architecture == people.architecture, origin
    (True, {'run': 'mine'})

    Raises:
        InputError: the file is missing, no lifter's, of a format that is not in `READABLE`, or its weights are not
            those of its architecture.
    """
    if path.suffix == ".ckpt":
        raise InputError(f"{path}: a checkpoint of a training stage; expected a .safetensors file (make pack RUN=name)")
    try:
        with safetensors.safe_open(regular(path), "pt") as file:
            header = json.loads((file.metadata() or {}).get("duolift", "{}"))
            weights = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118
    except InputError:
        raise
    except (OSError, safetensors.SafetensorError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: not readable as a lifter ({error}); expected a safetensors file") from error
    found = header.get("format") if isinstance(header, dict) else header
    if found not in READABLE:
        readable = " or ".join(map(str, READABLE))
        raise InputError(f"{path}: metadata 'duolift' has format {found}; expected {readable}, of a trained lifter")
    try:
        described = header["architecture"]
        architecture = PeopleArchitecture.from_plain(described if found > 1 else of_format_1(described))
        people = _with_weights(architecture, weights if found > 3 else of_format_3(weights))
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise InputError(f"{path}: weights and architecture disagree ({str(error).splitlines()[0]})") from error
    return people, header.get("origin") or {}


def of_format_1(flat: dict[str, Any]) -> dict[str, Any]:
    """The architecture of a file of format 1 as format 2 has it.

    >>> flat = {"skeleton": "paper19", "split": "whole", "width": 8, "blocks": 1, "elevation_bound": None, "c": 10.0,
    ...         "centring": "ray", "flip": True, "completer_width": None, "completer_blocks": None}
    >>> of_format_1(flat)["lifter"]
    {'split': 'whole', 'width': 8, 'blocks': 1, 'elevation_bound': None}
    """
    rest = dict(flat)
    lifter = {key: rest.pop(key) for key in ("split", "width", "blocks", "elevation_bound")}
    completer = {key: rest.pop(f"completer_{key}", None) for key in ("width", "blocks")}
    complete = any(value is not None for value in completer.values())
    return rest | {"lifter": lifter, "completer": completer if complete else None}


def of_format_3(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """The weights of a file of format 3 as format 4 has them.

    >>> weights = of_format_3({"detection.usual_up": torch.tensor([[-0.3, 0.3], [0.0, 0.2]])})
    >>> weights["detection.usual"].shape
    torch.Size([2, 90])
    """
    rest = dict(weights)
    held = rest.pop("detection.usual_up", None)
    if held is None or held.shape != (2, 2):
        return weights
    return rest | {"detection.usual": bell(*held.unbind(-1))}


def _with_weights(architecture: PeopleArchitecture, weights: dict[str, Tensor]) -> PeopleLifter:
    """A `PeopleLifter` with weights. Raises ValueError where they are not its own, before it takes any memory."""
    if architecture.blocks > len(weights):
        raise ValueError(f"{len(weights)} weights for more blocks")
    expected = weight_shapes(architecture)
    if wrong := next((k for k in {**expected, **weights} if _shape(weights, k) != expected.get(k)), None):
        raise ValueError(f"{wrong} has shape {_shape(weights, wrong)}, expected {expected.get(wrong)}")
    if wrong := next((name for name, weight in weights.items() if not weight.isfinite().all()), None):
        raise ValueError(f"{wrong} is not finite")
    people = PeopleLifter(architecture)
    people.load_state_dict(weights)
    return people


def _shape(weights: dict[str, Tensor], name: str) -> torch.Size | None:
    return weights[name].shape if name in weights else None
