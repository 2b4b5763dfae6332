"""One reader in a process of its own, under limits: what `fuzzing.__main__` runs.

    python -m fuzzing.one <reader> <folder of its corpus> <folder of what fails> <libFuzzer's options>

What is raised and is no InputError is written down, a file for every place that it is raised at, and the reader goes
on. What ends the process, such as too long a time or too much memory, libFuzzer writes down.
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

INSTRUMENTED = [
    *(
        "duolift.inputs.files",
        "duolift.inputs.containers",
        "duolift.inputs.json_stream",
        "duolift.inputs.keypoints",
        "duolift.files.npz",
    ),
    *(
        "duolift.inputs.pictures",
        "duolift.outputs",
        "duolift.predictor",
        "duolift.lifter_file",
        "duolift.networks.people_lifter",
        "duolift.bulk",
        "duolift.files",
    ),
    *("duolift.body.skeleton", "datamodules.chi3d", "experiments.config", "experiments.checkpoints"),
]
"""Modules whose branches guide the search."""

ADDRESSES = 24 * 2**30
"""Bytes of address space; libraries reserve far more than they use, which `-rss_limit_mb` bounds."""

AS_BYTES = 0.5
"""The share of inputs that libFuzzer changes in its own ways, as bytes."""

with atheris.instrument_imports(include=INSTRUMENTED):
    from duolift.errors import InputError
    from fuzzing.mutations import bytes_changed
    from fuzzing.readers import READERS


def main(name: str, corpus: Path, failures: Path, options: list[str]) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESSES, ADDRESSES))
    warnings.simplefilter("ignore")
    logging.disable()
    reader, project = READERS[name], Path(__file__).parent.parent
    for seed in reader.seeds():
        (corpus / hashlib.sha1(seed).hexdigest()).write_bytes(seed)

    def read(content: bytes) -> None:
        try:
            reader.read(content)
        except InputError:
            return
        except Exception as error:
            own = [f for f in traceback.extract_tb(error.__traceback__) if Path(f.filename).is_relative_to(project)]
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
    """The shortest input of every kind of failure."""
    if not path.exists() or len(content) < path.stat().st_size:
        path.write_bytes(content)
        path.with_name(f"{path.name}.txt").write_text(json.dumps(text.splitlines()[-1]) + "\n" + text)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4:])
