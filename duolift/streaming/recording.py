"""Scenes that were given out one by one, as one scene of a whole video."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from duolift.scene import PER_PERSON, Scene

PER_FRAME = ("up", "height", "tilt_deviation", "heading", "place")
"""Fields of a `Scene` with an axis of frames, and none of people."""


def recorded(scenes: Sequence[Scene], rate: float | None = None) -> Scene:
    """The frames of a stream as one scene, such as to write it to a file.

    The lens is the last one's: what people told of it is known best in the end.

    Args:
        scenes: of a stream, at least one.
        rate: frames a second; None takes what the scenes say.

    Raises:
        ValueError: there is no scene.

    >>> parts = [Scene.example().select([1]), Scene.example()]
    >>> whole = recorded(parts)
    >>> whole, whole.identities
    (Scene(8 frames, 2 people, paper19, focal 1000 px (default), 25 frames/s), (2, 1))
    >>> whole.valid.sum(0).tolist()
    [6, 4]
    """
    if not scenes:
        raise ValueError("no scenes; expected at least one")
    identities = tuple(dict.fromkeys(identity for scene in scenes for identity in scene.identities))
    last = scenes[-1]
    joined: dict[str, Any] = {name: np.concatenate([getattr(scene, name) for scene in scenes]) for name in PER_FRAME}
    for name in PER_PERSON:
        parts = []
        for scene in scenes:
            values = getattr(scene, name)
            empty = np.nan if values.dtype.kind == "f" and name != "confidence" else 0
            part = np.full((len(values), len(identities), *values.shape[2:]), empty, dtype=values.dtype)
            part[:, [identities.index(identity) for identity in scene.identities]] = values
            parts.append(part)
        joined[name] = np.concatenate(parts)
    names = tuple(name for scene in scenes for name in scene.names)
    return replace(last, names=names, identities=identities, rate=last.rate if rate is None else rate, **joined)
