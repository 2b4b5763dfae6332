"""One reader in a process of its own, under limits, by Atheris (https://github.com/google/atheris).

    python -m fuzzing.one <reader> <folder of its corpus> <folder of failures> <libFuzzer's options>

An exception that is no InputError is a failure: its input is kept, the shortest for each place that raises, and the
reader goes on. An input that ends the process, by taking too long or too much memory, libFuzzer keeps.
"""

import hashlib
import json
import logging
import resource
import sys
import traceback
import warnings
from pathlib import Path
from random import Random

import atheris

PROJECT = Path(__file__).parent.parent


def modules_of(folder: str) -> list[str]:
    """A package and all its modules, without importing them: `duolift.inputs`, `duolift.inputs.formats.coco`, ..."""
    files = sorted((PROJECT / folder).rglob("*.py"))
    return [".".join(file.relative_to(PROJECT).with_suffix("").parts).removesuffix(".__init__") for file in files]


INSTRUMENTED = [
    *modules_of("duolift/inputs"),
    *modules_of("duolift/files"),
    *("duolift.outputs", "duolift.predictor", "duolift.networks.people_lifter", "duolift.lifter_file"),
    *modules_of("duolift/bulk"),
    *("duolift.body.skeleton", "experiments.config", "experiments.checkpoints"),
    *("datamodules.sources.chi3d", "datamodules.sources.mmpose", "datamodules.sources.objects"),
    *("datamodules.sources.panoptic", "datamodules.sources.mupots", "datamodules.sources.somof"),
    "datamodules.sources.json_arrays",
    *(name for folder in ("h36m", "mpi_inf_3dhp") for name in modules_of(f"datamodules/sources/{folder}")),
]
"""Modules whose branches guide the search."""

ADDRESSES = 24 * 2**30
"""Bytes of address space that the process may reserve. Libraries reserve far more than they use; what is used,
`-rss_limit_mb` bounds."""

AS_BYTES = 0.5
"""Share of inputs that libFuzzer mutates in its own ways, as bytes; a reader's own mutation changes the others."""

with atheris.instrument_imports(include=INSTRUMENTED):
    from duolift.errors import InputError
    from fuzzing.mutations import bytes_changed
    from fuzzing.readers import READERS


def main(name: str, corpus: Path, failures: Path, options: list[str]) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESSES, ADDRESSES))
    warnings.simplefilter("ignore")
    logging.disable()
    reader = READERS[name]
    for seed in reader.seeds():
        (corpus / hashlib.sha1(seed).hexdigest()).write_bytes(seed)

    def read(content: bytes) -> None:
        try:
            reader.read(content)
        except InputError:
            return
        except Exception as error:
            own = [f for f in traceback.extract_tb(error.__traceback__) if Path(f.filename).is_relative_to(PROJECT)]
            place = f"{Path(own[-1].filename).name}:{own[-1].lineno}"
            _keep(failures / f"{type(error).__name__}-{place}", content, traceback.format_exc())

    def changed(content: bytes, most: int, seed: int) -> bytes:
        random = Random(seed)
        if not content or random.random() < AS_BYTES:
            return bytes(atheris.Mutate(content, most))
        try:
            return reader.changed(content, random)[:most]
        except Exception:  # what was changed before may be anything
            return bytes_changed(content, random)[:most]

    atheris.Setup([sys.argv[0], str(corpus), *options], read, custom_mutator=changed, internal_libfuzzer=True)
    atheris.Fuzz()


def _keep(path: Path, content: bytes, text: str) -> None:
    """Keep an input and its traceback, unless a shorter input of the same kind of failure is kept."""
    if not path.exists() or len(content) < path.stat().st_size:
        path.write_bytes(content)
        path.with_name(f"{path.name}.txt").write_text(json.dumps(text.splitlines()[-1]) + "\n" + text)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4:])
