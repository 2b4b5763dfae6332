"""Everybody in a colour of their own, the same in every picture."""

PERSON_COLOURS = (
    ("#c1121f", "#f08a8f"),
    ("#1d3557", "#6d9dc5"),
    ("#2a7f4f", "#8ac6a3"),
    ("#8a5a00", "#e0b060"),
    ("#6a2c91", "#b98fd6"),
    ("#00798c", "#6cc3ce"),
)
"""A person's colours: right limbs and midline, left limbs."""


def colours_of(person: int) -> tuple[str, str]:
    """The colours of a person by their index; they come round again."""
    return PERSON_COLOURS[person % len(PERSON_COLOURS)]


def rgb(colour: str) -> tuple[int, int, int]:
    """`#rrggbb` as three numbers from 0 to 255."""
    red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    return red, green, blue
