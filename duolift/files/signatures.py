"""What a file holds by its first bytes: a picture, a video, or sound.

See https://www.garykessler.net/library/file_sigs.html. Names say nothing for sure: a suffix may be wrong.
"""

from pathlib import Path

PICTURE, VIDEO, SOUND = "a picture", "a video", "sound"

LONGEST = 192
"""First bytes of a file that tell what it is."""

HEIF = (b"ftyphei", b"ftypmif1")
"""How a picture as HEIC begins, from its fifth byte on."""

SIGNATURES: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\xff\xd8\xff", PICTURE),  # JPEG
    (0, b"\x89PNG\r\n", PICTURE),
    (0, b"GIF8", PICTURE),
    (0, b"BM", PICTURE),  # Windows bitmap
    (0, b"II*\0", PICTURE),  # TIFF
    (0, b"MM\0*", PICTURE),
    (8, b"WEBP", PICTURE),
    *((4, brand, PICTURE) for brand in HEIF),
    (4, b"ftypavi", PICTURE),
    (4, b"ftypM4A", SOUND),
    (4, b"ftyp", VIDEO),  # MP4, MOV
    (8, b"AVI ", VIDEO),
    (0, b"\x1a\x45\xdf\xa3", VIDEO),  # Matroska, WebM
    *((4, atom, VIDEO) for atom in (b"moov", b"mdat", b"wide")),  # QuickTime of old
    (0, b"\0\0\1\xba", VIDEO),  # MPEG
    (0, b"\0\0\1\xb3", VIDEO),  # its pictures without a container
    (0, b"\0\0\0\1", VIDEO),  # H.264 and H.265 without one, as small cameras write them
    (0, b"OggS", VIDEO),
    (0, b"\x06\x0e\x2b\x34", VIDEO),  # MXF
    (0, b"\x1f\x07\0", VIDEO),  # DV
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", VIDEO),  # Windows Media
    (0, b"FLV\1", VIDEO),
    (8, b"WAVE", SOUND),
    (0, b"ID3", SOUND),
    (0, b"fLaC", SOUND),
)
"""Where in a file, which bytes, and what has them."""

PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp")
"""Of pictures that are looked for by an image's name."""

OTHER_PICTURE_SUFFIXES = (".gif", ".heic", ".heif", ".avif")

FILM_SUFFIXES = (
    ".mp4",
    ".mov",
    ".avi",
    ".mkv",
    ".webm",
    ".m4v",
    ".mpg",
    ".mpeg",
    ".wmv",
    ".flv",
    ".mts",
    ".m2ts",
    ".3gp",
)
"""Of films, where nothing else tells: a file that does not exist yet, or has no first bytes of its own."""

SUFFIXES = {
    **dict.fromkeys((*PICTURE_SUFFIXES, *OTHER_PICTURE_SUFFIXES), PICTURE),
    **dict.fromkeys(FILM_SUFFIXES, VIDEO),
}
"""Suffix of a file's name -> what it should be."""


def signature(start: bytes) -> str | None:
    """What a file holds; None for anything but pictures, videos and sound.

    Args:
        start: its first bytes, at least `LONGEST` where it has as many.

    >>> signature(b"\\xff\\xd8\\xff\\xe0 JFIF"), signature(b"[{")
    ('a picture', None)
    """
    if start[:1] == start[188:189] == b"G":  # packets of an MPEG transport stream
        return VIDEO
    return next((kind for place, mark, kind in SIGNATURES if start[place:].startswith(mark)), None)


def is_heif(start: bytes) -> bool:
    """Whether a file is a picture as HEIC, by its first bytes.

    >>> is_heif(b"\\0\\0\\0\\x1cftypheic")
    True
    """
    return start[4:].startswith(HEIF)


def signature_of(path: Path) -> str | None:
    """What a file that is there holds; None for anything else, and for what cannot be read.

    >>> signature_of(Path("gone.jpg"))
    """
    try:
        if not path.is_file():
            return None
        with path.open("rb") as file:
            return signature(file.read(LONGEST))
    except (OSError, ValueError):
        return None
