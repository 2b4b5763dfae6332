"""A device that is pretended: it computes on the CPU, and keeps its tensors apart from the CPU's as a GPU does.

Code that takes decisions by its data cannot be shown to be right for a GPU by tensors that hold no numbers. Here it
runs, with the CPU's numbers; what mixes devices is an error, and whatever reads numbers, or asks how many there are, is
counted: there a GPU's host waits.
"""

from collections import Counter
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

from duolift.geometry import constants

NAME = torch.device("meta")
"""What the pretended device is called: torch has no free name without a backend of its own."""

aten = torch.ops.aten
READING = {
    "_local_scalar_dense",
    "nonzero",
    "bincount",
    "unique_dim",
    "_unique2",
    "unique_consecutive",
    "repeat_interleave",
    "masked_select",
}
"""Operations for which a GPU's host waits: the numbers, or the size, of what they give."""


class Apart(Tensor):
    """A tensor of the pretended device, which wraps one of the CPU."""

    within: Tensor

    @staticmethod
    def __new__(cls, real: Tensor) -> "Apart":
        made = Tensor._make_wrapper_subclass(
            cls, real.shape, real.stride(), real.storage_offset(), dtype=real.dtype, device=NAME
        )
        made.within = real
        return made

    def __repr__(self, **_: Any) -> str:  # type: ignore[override]
        return f"Apart({self.within!r})"

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]
        cls, operation: Any, types: Any, arguments: Any = (), named: Any = None
    ) -> Any:
        raise AssertionError(f"{operation} outside of a Pretended")


class Pretended(TorchDispatchMode):
    """While it lasts, `NAME` is a device with numbers.

    Attributes:
        waits: how often each operation made the host wait for the device.
        operations: how many operations the device was given.
    """

    def __init__(self) -> None:
        super().__init__()
        self.waits: Counter[str] = Counter()
        self.operations = 0
        self.constants = Constants(self.waits)
        # a tensor that wraps another cannot be one of inference mode
        self.no_grad = patch.object(torch._C, "_InferenceMode", lambda on: torch.set_grad_enabled(not on))

    def __enter__(self) -> "Pretended":
        constants._kept.cache_clear()  # what others kept on a device of this name has no numbers
        self.constants.__enter__()
        self.no_grad.start()
        super().__enter__()
        return self

    def __exit__(self, *raised: Any) -> None:
        super().__exit__(*raised)
        self.no_grad.stop()
        self.constants.__exit__(*raised)
        constants._kept.cache_clear()

    def __torch_dispatch__(self, operation: Any, types: Any, arguments: Any = (), named: Any = None) -> Any:
        named = dict(named or {})
        given = [t for t in tree_leaves((arguments, named)) if isinstance(t, Tensor)]
        here, name = any(isinstance(t, Apart) for t in given), operation.overloadpacket.__name__
        target = named.get("device")
        moving = name in ("_to_copy", "copy_")
        indexing = name in ("index", "index_put", "index_put_", "_index_put_impl_")
        strangers = [t for t in given if t.device == NAME and not isinstance(t, Apart)]  # without numbers
        strangers += [t for t in given if here and t.ndim and t.device != NAME and not (moving or indexing)]
        if strangers:
            raise RuntimeError(f"{operation}: tensors of the CPU beside those of the device")
        if target is not None and torch.device(target) == NAME:
            named["device"] = torch.device("cpu")
        wrappers = {id(t.within): t for t in given if isinstance(t, Apart)}
        result = operation(*tree_map(_real, arguments), **tree_map(_real, named))
        there = torch.device(target) == NAME if target is not None else here
        if there:
            self.operations += 1
        masked = indexing and any(t.dtype == torch.bool for t in given[1:])
        if here and (name in READING or (moving and not there) or masked):
            self.waits[name] += 1
        if not there:
            return result

        def wrapped(value: Any) -> Any:
            """An operation in place gives what it was given."""
            return wrappers[id(value)] if id(value) in wrappers else Apart(value)

        return tree_map(lambda value: wrapped(value) if isinstance(value, Tensor) else value, result)


class Constants(TorchFunctionMode):
    """Makes tensors of the pretended device from Python's numbers, of which torch would keep none."""

    def __init__(self, waits: Counter[str]) -> None:
        super().__init__()
        self.waits = waits

    def __torch_function__(self, function: Any, types: Any, arguments: Any = (), named: Any = None) -> Any:
        named = dict(named or {})
        if function is Tensor.new_tensor and isinstance(arguments[0], Apart):
            arguments, named = arguments[1:], {"dtype": arguments[0].dtype, "device": NAME, **named}
            function = torch.tensor
        if function is Tensor.tolist and isinstance(arguments[0], Apart):
            self.waits["tolist"] += 1
            return arguments[0].within.tolist()
        if function in (Tensor.__getitem__, Tensor.__setitem__) and isinstance(arguments[0], Apart):
            tensor, index, *value = arguments
            index = tuple(self._index(i) for i in index) if isinstance(index, tuple) else self._index(index)
            return function(tensor, index, *value)
        made = function in (torch.tensor, torch.as_tensor) and not isinstance(arguments[0], Tensor)
        if made and torch.device(named.get("device") or "cpu") == NAME:
            self.waits["from Python"] += 1
            return Apart(function(*arguments, **{**named, "device": "cpu"}))
        return function(*arguments, **named)

    def _index(self, index: Any) -> Any:
        if not isinstance(index, list):
            return index
        self.waits["from Python"] += 1
        return Apart(torch.tensor(index))


def _real(value: Any) -> Any:
    return value.within if isinstance(value, Apart) else value


def moved(module: nn.Module) -> nn.Module:
    """The module, with parameters and buffers of the pretended device."""
    for part in module.modules():
        if "_device" in vars(part):  # Lightning's own note of where a module is
            vars(part)["_device"] = NAME
        for tensors in (part._parameters, part._buffers):
            for name, tensor in tensors.items():
                if tensor is not None:
                    tensors[name] = Apart(tensor.detach())  # type: ignore[assignment]
    return module
