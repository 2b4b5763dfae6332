"""A step in a process of its own.   python -m benchmarks.gpu.child module:function result.json '{"device": "cpu", ...}'

The result's file is written whole after every part that the step yields, so that what was measured stays when the
process is stopped.
"""

import json
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

from benchmarks.gpu.options import Options, Skip

DONE, SKIPPED, FAILED = "done", "skipped", "failed"


def measure(function: str, path: Path, options: Options) -> str:
    """Run a step, and write what it measured; returns how it ended."""
    record: dict[str, Any] = {"status": FAILED, "result": {}}
    try:
        began = time.perf_counter()
        step = resolve_name(function)
        record["result"]["import_s"] = time.perf_counter() - began
        for part in step(options):
            record["result"] |= part
            save(path, record)
        record["status"] = DONE
    except Skip as reason:
        record |= {"status": SKIPPED, "error": str(reason)}
    except ModuleNotFoundError as error:
        record["error"] = f"lacks the library {error.name}"
    except Exception as error:
        traceback.print_exc()
        record["error"] = f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"
    save(path, record)
    return str(record["status"])


def save(path: Path, content: object) -> None:
    """Write a file of JSON that is whole at any time, with nothing but Python's own library."""
    part = path.with_suffix(".part")
    part.write_text(json.dumps(content, indent=1) + "\n")
    part.replace(path)


def main(arguments: Sequence[str]) -> None:
    function, path, options = arguments
    sys.exit(measure(function, Path(path), Options(**json.loads(options))) == FAILED)


if __name__ == "__main__":
    main(sys.argv[1:])
