"""How a pose is cut into parts that are lifted without seeing each other.

`whole` is ElePose's (https://arxiv.org/abs/2112.07088): one network for the whole pose. `left_right` and `legs_torso`
are those of LInKs (https://arxiv.org/abs/2309.07243): a network a part, each of which sees its own joints alone.
`links` is both.
"""

from duolift.body.skeleton import WHOLE

SPLITS: dict[str, tuple[tuple[str, ...], ...]] = {
    WHOLE: ((WHOLE,),),
    "left_right": (("left", "right"),),
    "legs_torso": (("legs", "torso"),),
    "links": (("left", "right"), ("legs", "torso")),
}
"""Name -> its splits. The parts of one split, keys of `Skeleton.parts`, together hold every joint."""


def parts_of(split: str) -> tuple[str, ...]:
    """All parts that a key of `SPLITS` lifts, in the order of its networks.

    >>> parts_of("links")
    ('left', 'right', 'legs', 'torso')
    """
    return tuple(part for parts in SPLITS[split] for part in parts)
