"""The data sets that `data.source` names. A data set in a layout of its own is one reader and one entry here.

docs/data.md has an example from beginning to end.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from datamodules.recordings import Recordings
from datamodules.sources import chi3d, keypoints, mupots, panoptic, somof
from datamodules.sources.h36m import reader as h36m
from datamodules.sources.h36m.settings import H36mConfig
from datamodules.sources.mocap import reader as mocap
from datamodules.sources.mocap.settings import MocapConfig
from datamodules.sources.mpi_inf_3dhp import reader as mpi_inf_3dhp
from datamodules.sources.mpi_inf_3dhp.settings import Mpi3dhpConfig
from datamodules.sources.panoptic import PanopticConfig
from datamodules.sources.somof import SomofConfig
from datamodules.synthetic.writer import SyntheticConfig, write
from duolift.body.skeleton import DETECTOR15, H36M17, LIMBS14
from duolift.bounds import nearest
from duolift.errors import InputError


class Reader(Protocol):
    """Reads the recordings of some subjects.

    Args:
        root: the data set's folder.
        subjects: as `Source.subjects` names them.
        cameras: the views to read; None for those that the data set has.
        cache: folder of parsed copies, for `datamodules.cache.cached`; None parses every time. A reader that is fast
            enough need not use it.

    Raises:
        InputError: a file is missing, or not as the layout has it.
    """

    def __call__(
        self, root: Path, subjects: Sequence[str], cameras: Sequence[str] | None = None, cache: Path | None = None
    ) -> Recordings: ...


@dataclass(frozen=True)
class Source:
    """A layout of data on disk, and how it is read.

    Attributes:
        name: what `data.source` calls it.
        title: what it is, in a few words.
        read: reads the takes of some subjects; see `Reader`.
        subjects: root -> the subjects that are there, InputError where there are none.
        prepare: root, settings of the embedded set -> None; writes what is missing at `root`, for a source that makes
            its own data.
        home: where a source that makes its own data keeps it, unless `data.root` says otherwise.
        settings: what settings are for this source, where neither the experiment nor the user says otherwise.
        measured: whether there is a 3D truth, which evaluation compares with.
        configured: settings of its own, `data.<name>` -> this source as they have it, for a source that has some.
    """

    name: str
    title: str
    read: Reader
    subjects: Callable[[Path], list[str]]
    prepare: Callable[[Path, SyntheticConfig], object] = lambda root, settings: None
    home: Path | None = None
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    measured: bool = True
    configured: Callable[[Any], "Source"] | None = None


def configurable(
    name: str,
    title: str,
    read: Callable[..., Recordings],
    subjects: Callable[[Path], list[str]],
    own: Any,
    data: Mapping[str, Any] | None = None,
) -> Source:
    """A source that has settings of its own, as `data.<name>` of a run.

    Args:
        name, title, subjects: as of `Source`.
        read: a `Reader` that takes `settings=` as well.
        own: the settings, until a run has others.
        data: what settings of `data` are for this source; None for the schema's.

    >>> source = configurable("every", "every so many frames", mocap.read, mocap.subjects_of, MocapConfig())
    >>> source.configured(MocapConfig(rate=5.0)).name
    'every'
    """

    def configured(settings: Any) -> Source:
        reader, defaults = partial(read, settings=settings), {} if data is None else {"data": data}
        return Source(name, title, reader, subjects, settings=defaults, configured=configured)

    return configured(own)


SYNTHETIC_HOME = Path("data/synthetic")
SYNTHETIC = Source("synthetic", "the embedded set", chi3d.read, chi3d.subjects_of, prepare=write, home=SYNTHETIC_HOME)
CHI3D = Source("chi3d", "in CHI3D's layout", chi3d.read, chi3d.subjects_of)
KEYPOINTS = Source(
    "keypoints",
    "detectors' files, 2D alone",
    keypoints.read_people,
    keypoints.parts_of,
    settings={
        "data": {"train": [keypoints.TRAIN], "evaluate": [keypoints.HELD_OUT], "skeleton": DETECTOR15.name},
        "flows": {"batch_size": 256},
        "lifting": {"bone_ratios": "anthropometric", "elevations_deg": [-5.0, 10.0], "weights": {"elevation": 10.0}},
    },
    measured=False,
)

MOCAP = configurable("mocap", "motion capture as BVH or ASF/AMC", mocap.read, mocap.subjects_of, MocapConfig())
H36M = configurable(
    "h36m",
    "Human3.6M as VideoPose3D's archives or MMPose's",
    h36m.read,
    h36m.subjects_of,
    H36mConfig(),
    {"train": [*h36m.TRAIN], "evaluate": [*h36m.EVALUATE], "skeleton": H36M17.name},
)
MPI_3DHP = configurable(
    "mpi_inf_3dhp",
    "MPI-INF-3DHP as archives of P-STMO or MMPose's",
    mpi_inf_3dhp.read,
    mpi_inf_3dhp.subjects_of,
    Mpi3dhpConfig(),
    {"train": [*mpi_inf_3dhp.TRAIN], "evaluate": [*mpi_inf_3dhp.EVALUATE], "skeleton": H36M17.name},
)
PANOPTIC = configurable(
    "panoptic",
    "CMU Panoptic as distributed",
    panoptic.read,
    panoptic.subjects_of,
    PanopticConfig(),
    {"train": [*panoptic.TRAIN], "evaluate": [*panoptic.EVALUATE], "skeleton": DETECTOR15.name},
)
MUPOTS = Source(
    "mupots",
    "MuPoTS-3D as distributed",
    mupots.read,
    mupots.subjects_of,
    settings={
        "data": {
            "train": [*mupots.SEQUENCES[: mupots.INDOORS]],
            "evaluate": [*mupots.SEQUENCES[mupots.INDOORS :]],
            "skeleton": H36M17.name,
        }
    },
)
SOMOF = configurable(
    "somof",
    "3DPW's pairs as SoMoF's JSON, before virtual cameras",
    somof.read,
    somof.subjects_of,
    SomofConfig(),
    {"train": ["train"], "evaluate": ["valid"], "skeleton": LIMBS14.name},
)

SOURCES: dict[str, Source] = {
    source.name: source for source in (SYNTHETIC, CHI3D, MOCAP, KEYPOINTS, H36M, MPI_3DHP, PANOPTIC, MUPOTS, SOMOF)
}
"""Name -> source: what `data.source` may be. `SOURCES["mine"] = Source("mine", ...)` adds one from outside."""


def open_source(name: str) -> Source:
    """The source of that name. Raises InputError where there is none."""
    if name not in SOURCES:
        raise InputError(
            f"data source {name!r} is unknown{nearest(name, SOURCES)}; expected one of {', '.join(SOURCES)}"
        )
    return SOURCES[name]
