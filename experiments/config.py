"""The experiment's settings from files and arguments.

Precedence, lowest first: the defaults of `experiments.settings`, those of the data source, `conf/<experiment>.yaml` and
before it the experiment that it `extends`, `key=value` arguments. A key that the schema does not know is an error that
names the nearest one.
"""

import re
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar, cast

from omegaconf import DictConfig, ListConfig, OmegaConf, ValueNode
from omegaconf.errors import OmegaConfBaseException
from yaml import AliasEvent, CollectionEndEvent, CollectionStartEvent, YAMLError, parse

from datamodules.sources.registry import SOURCES, SYNTHETIC
from duolift.bounds import nearest
from duolift.errors import InputError
from duolift.files import read_bytes
from experiments.settings import Config

CONF = Path(__file__).parent / "conf"

EXTENDS = "extends"
"""The key of an experiment's file that names another, over whose deltas its own are laid."""

DEEPEST = 8
"""Levels of settings: the schema has three."""

MOST_BYTES = 2**20
"""Of a file of settings: all settings take a few thousand."""

Made = TypeVar("Made")


def load(arguments: Sequence[str]) -> Config:
    """The settings for `key=value` arguments, of which `experiment=` chooses the file of deltas.

    Raises:
        InputError: an unknown experiment or key (with the nearest name), a value of the wrong type or
            out of its range, an argument that is no `key=value`.

    >>> load(["lifter=links", "flows.width=64"]).flows.width
    64
    """
    overrides = _overrides(arguments)
    try:
        experiment = str(overrides.get("experiment", "default"))
    except OmegaConfBaseException as error:
        raise InputError(f"setting experiment: {_first_line(error)}") from error
    given = [*_experiment(experiment), overrides]
    return merged([_of_source(given), *given])


def load_run(path: Path, arguments: Sequence[str]) -> Config:
    """The settings that a finished run was made with, and overrides."""
    if not path.is_file():
        raise InputError(f"{path}: no such file; expected the settings of a trained run (train it first, or check RUN)")
    return merged([_yaml(path), _overrides(arguments)])


def merged(layers: Sequence[DictConfig]) -> Config:
    """The schema with layers of settings over it, checked."""
    settings = OmegaConf.structured(Config)
    for layer in layers:
        _refuse_unknown(layer, settings, "")
        try:
            settings = OmegaConf.merge(settings, layer)
            OmegaConf.resolve(settings)
        except (OmegaConfBaseException, TypeError, ValueError, OverflowError) as error:
            key = getattr(error, "full_key", None)
            raise InputError(f"setting {key or 'values'}: {_first_line(error)}") from error
    return _made(Config, settings, "")


def _made(kind: type[Made], settings: DictConfig, prefix: str) -> Made:
    """An instance of a dataclass of settings, and of those within it, each of which checks itself when it is made.

    Raises:
        InputError: what one of them raises as a ValueError, behind the place where it stands.
    """
    values: dict[str, Any] = {}
    for name in (field.name for field in fields(kind)):  # type: ignore[arg-type]
        value, inner = settings[name], OmegaConf.get_type(settings, name)
        if isinstance(value, DictConfig) and inner is not None:
            values[name] = _made(inner, value, f"{prefix}{name}.")
        else:
            values[name] = OmegaConf.to_object(value) if isinstance(value, ListConfig) else value
    try:
        return kind(**values)
    except ValueError as error:
        raise InputError(f"setting {prefix}{error}") from error


def plain(config: object) -> dict[str, Any]:
    """Settings as plain dictionaries, lists and numbers."""
    return cast(dict[str, Any], OmegaConf.to_container(OmegaConf.structured(config), resolve=True))


def _overrides(arguments: Sequence[str]) -> DictConfig:
    for argument in arguments:
        if not re.fullmatch(r"\w+(\.\w+){,4}=.*", argument, re.DOTALL):
            raise InputError(f"argument {argument[:200]!r}: expected key=value, such as lifter=left_right")
        _refuse_nested(argument.partition("=")[2], "arguments")
    settings = OmegaConf.create()
    for argument in arguments:
        try:
            settings.merge_with_dotlist([argument])
        except (OmegaConfBaseException, YAMLError, TypeError, ValueError) as error:
            raise InputError(f"argument {argument[:200]!r}: {_first_line(error)}; expected key=value") from error
    return settings


def _experiment(name: str) -> list[DictConfig]:
    """An experiment's file of deltas, and before it that of the experiment which it `extends`, if it does."""
    known = sorted(path.stem for path in CONF.glob("*.yaml"))
    if name not in known:
        raise InputError(f"experiment {name!r} is unknown{nearest(name, known)}; expected one of {', '.join(known)}")
    deltas = _yaml(CONF / f"{name}.yaml")
    extended = deltas.pop(EXTENDS, None)
    return [deltas] if extended is None else [*_experiment(str(extended)), deltas]


def _of_source(layers: Sequence[DictConfig]) -> DictConfig:
    """The settings of the data source that the last of the layers to do so names; none for one that is not known."""
    named = [OmegaConf.select(layer, "data.source", throw_on_resolution_failure=False) for layer in layers]
    name = next((str(name) for name in reversed(named) if name is not None), SYNTHETIC.name)
    groups = SOURCES[name].settings if name in SOURCES else {}
    return OmegaConf.create({group: dict(values) for group, values in groups.items()})


def _refuse_nested(text: str, where: str) -> None:
    """What would take any amount of memory, or of the stack, is no setting. Text that is no YAML is let through."""
    depth = 0
    try:
        for event in parse(text):
            depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
            if depth > DEEPEST or isinstance(event, AliasEvent):
                raise InputError(f"{where}: holds aliases or more than {DEEPEST} levels; expected plain settings")
    except (YAMLError, UnicodeError):
        return


def _yaml(path: Path) -> DictConfig:
    _refuse_nested(read_bytes(path, MOST_BYTES).decode("utf-8", "replace"), str(path))
    try:
        loaded = OmegaConf.load(path)
    except (OmegaConfBaseException, YAMLError, OSError, ValueError) as error:
        raise InputError(f"{path}: not readable as settings ({_first_line(error)})") from error
    if not isinstance(loaded, DictConfig):
        raise InputError(f"{path}: holds a list; expected settings by name")
    return loaded


def _refuse_unknown(layer: DictConfig, schema: DictConfig, prefix: str) -> None:
    for key in layer:
        name, known = str(key), [str(k) for k in schema]
        if name not in known:
            raise InputError(
                f"setting {prefix}{name} is unknown{nearest(name, known)}; expected one of {', '.join(known)}"
            )
        value = layer._get_node(key)
        if isinstance(value, ValueNode) and isinstance(whole := value._value(), int) and abs(whole) >= 2**63:
            raise InputError(f"setting {prefix}{name} has {whole.bit_length()} bits; expected less than 64")
        listed = OmegaConf.to_container(value) if isinstance(value, ListConfig) else None
        if any(isinstance(one, dict | list) for one in cast(list[Any], listed or [])):
            raise InputError(f"setting {prefix}{name} is {value}; expected plain values, one after the other")
        if isinstance(schema[name], DictConfig):
            if not isinstance(value, DictConfig) or value._is_none():
                raise InputError(f"setting {prefix}{name} is {value}; expected settings by name, {prefix}{name}.<key>")
            _refuse_unknown(value, schema[name], f"{prefix}{name}.")


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0]
