"""A colour for every person, the same in all outputs."""

RIGHT_COLOURS = (
    "#c1121f",
    "#1d3557",
    "#2a7f4f",
    "#8a5a00",
    "#6a2c91",
    "#00798c",
    "#d1477d",
    "#5c6b00",
    "#3a5fcd",
    "#b3541e",
    "#4a4e57",
    "#7d2248",
    "#1f8a8a",
    "#a3238e",
    "#3f7d20",
    "#6d4c41",
)
"""Of the right limbs and the midline, a person each; told apart beside one another and on white."""

LEFT_COLOURS = {
    "#c1121f": "#f08a8f",
    "#1d3557": "#6d9dc5",
    "#2a7f4f": "#8ac6a3",
    "#8a5a00": "#e0b060",
    "#6a2c91": "#b98fd6",
    "#00798c": "#6cc3ce",
}
"""Of the left limbs where the colour that is half as strong would not do."""


def lighter(colour: str, share: float = 0.52) -> str:
    """A colour with so much white in it.

    >>> lighter("#000000", 0.5)
    '#808080'
    """
    return "#" + "".join(f"{round(part + share * (255 - part)):02x}" for part in rgb(colour))


def darker(colour: str, share: float = 0.3) -> str:
    """A colour with so much black in it.

    >>> darker("#ffffff", 0.5)
    '#808080'
    """
    return "#" + "".join(f"{round((1 - share) * part):02x}" for part in rgb(colour))


def rgb(colour: str) -> tuple[int, int, int]:
    """`#rrggbb` as three numbers from 0 to 255.

    >>> rgb("#ff8000")
    (255, 128, 0)
    """
    red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    return red, green, blue


PERSON_COLOURS = tuple((colour, LEFT_COLOURS.get(colour, lighter(colour))) for colour in RIGHT_COLOURS)
"""Two colours a person: of the right limbs and the midline, and of the left limbs."""


def colours_of(person: int) -> tuple[str, str]:
    """The two colours of a person, by their position on the person axis; after sixteen people colours repeat.

    >>> colours_of(0) == colours_of(16)
    True
    """
    return PERSON_COLOURS[person % len(PERSON_COLOURS)]
