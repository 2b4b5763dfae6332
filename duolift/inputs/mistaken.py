"""Files that are given in place of keypoints: what they are, and what to do instead.

They are told by their first bytes (https://www.garykessler.net/library/file_sigs.html).
"""

PICTURE, VIDEO = "a picture", "a video"

DETECT_FIRST = (
    "keypoints: run a 2D pose detector on it first (docs/guide.md names three), and give what the detector writes"
)

SIGNATURES: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\xff\xd8\xff", PICTURE),  # JPEG
    (0, b"\x89PNG\r\n", PICTURE),
    (0, b"GIF8", PICTURE),
    (0, b"BM", PICTURE),  # Windows bitmap
    (0, b"II*\0", PICTURE),  # TIFF
    (0, b"MM\0*", PICTURE),
    (8, b"WEBP", PICTURE),
    (4, b"ftypheic", PICTURE),
    (4, b"ftypavif", PICTURE),
    (4, b"ftyp", VIDEO),  # MP4, MOV
    (8, b"AVI ", VIDEO),
    (0, b"\x1a\x45\xdf\xa3", VIDEO),  # Matroska, WebM
    (0, b"\0\0\1\xba", VIDEO),  # MPEG
)
"""Where in a file, which bytes, and what has them."""

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

SUFFIXES = {
    **dict.fromkeys((".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".heic", ".avif"), PICTURE),
    **dict.fromkeys((".mp4", ".mov", ".avi", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg"), VIDEO),
}
"""Suffix of a file's name -> what it is."""


def mistake(start: bytes) -> str | None:
    """What a file is that holds no keypoints, and what was expected, as the end of a message; None for any other.

    Args:
        start: the file's first bytes, at least 32 where it has as many.

    >>> mistake(b"\\xff\\xd8\\xff\\xe0 JFIF")[:46]
    'is a picture; expected keypoints: run a 2D pos'
    >>> mistake(b'[{"image_id": 1')
    """
    if start.startswith(SCENE):
        return A_SCENE
    if start.startswith(JSON_IN_A_TEXT):
        return TWICE
    kind = next((kind for place, mark, kind in SIGNATURES if start[place:].startswith(mark)), None)
    return None if kind is None else f"is {kind}; expected {DETECT_FIRST}"
