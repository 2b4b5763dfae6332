"""A colour for every person, the same in all outputs."""

PERSON_COLOURS = (
    ("#c1121f", "#f08a8f"),
    ("#1d3557", "#6d9dc5"),
    ("#2a7f4f", "#8ac6a3"),
    ("#8a5a00", "#e0b060"),
    ("#6a2c91", "#b98fd6"),
    ("#00798c", "#6cc3ce"),
)
"""Two colours a person: of the right limbs and the midline, and of the left limbs."""


def colours_of(person: int) -> tuple[str, str]:
    """The two colours of a person, by their position on the person axis; after six people colours repeat.

    >>> colours_of(0) == colours_of(6)
    True
    """
    return PERSON_COLOURS[person % len(PERSON_COLOURS)]


def rgb(colour: str) -> tuple[int, int, int]:
    """`#rrggbb` as three numbers from 0 to 255.

    >>> rgb("#ff8000")
    (255, 128, 0)
    """
    red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    return red, green, blue
