"""Files that are given in place of keypoints: what they are, and what to do instead.

They are told by their first bytes (`duolift.files.signatures`).
"""

from duolift.files.signatures import signature

DETECT_FIRST = (
    "keypoints, or a detector that finds them: duolift lift has one, and Options(detector=load_detector()) of "
    "duolift.detectors"
)

A_SCENE = (
    "is a scene that duolift wrote; expected a detector's keypoints (duolift view shows a scene, duolift convert "
    "writes it in other formats)"
)

SCENE = (b'{"format":"duolift scene"', b'{"format": "duolift scene"')
"""How a scene's JSON begins."""

JSON_IN_A_TEXT = (b'"[', b'"{', b'"\\n', b"'[", b"'{")
"""How a text begins that holds JSON."""

TWICE = (
    "is JSON in a text, as json.dump makes of what is JSON already (such as Ultralytics' to_json()); expected the JSON "
    "itself: file.write(results[0].to_json())"
)


def mistake(start: bytes) -> str | None:
    """What a file is that holds no keypoints, and what was expected, as the end of a message; None for any other.

    Args:
        start: the file's first bytes, at least 32 where it has as many.

    >>> mistake(b"\\xff\\xd8\\xff\\xe0 JFIF")[:46]
    'is a picture; expected keypoints, or a detecto'
    >>> mistake(b'[{"image_id": 1')
    """
    if start.startswith(SCENE):
        return A_SCENE
    if start.startswith(JSON_IN_A_TEXT):
        return TWICE
    kind = signature(start)
    return None if kind is None else f"is {kind}; expected {DETECT_FIRST}"
