"""The steps of the script, in the order in which they are run: what each measures, and how long it may take."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """Something to measure.

    Attributes:
        name: selects it.
        function: `module:function`, which is imported in the step's own process. It takes an
            `benchmarks.gpu.options.Options` and yields what it has measured, part by part, each a dictionary of plain
            values; `line` among them is what is printed.
        limit: seconds after which it is stopped.
    """

    name: str
    function: str
    limit: float


STEPS = (
    Step("machine", "benchmarks.gpu.device:products", 60),
    Step("default", "benchmarks.gpu.training:default", 240),
    Step("paper_steps", "benchmarks.gpu.training:paper_steps", 120),
    Step("bulk", "benchmarks.gpu.use:bulk", 60),
    Step("evaluation", "benchmarks.gpu.use:evaluation", 90),
    Step("same_bytes", "benchmarks.gpu.repetition:same_bytes", 60),
    Step("tests", "benchmarks.gpu.device:tests", 90),
    Step("compile", "benchmarks.gpu.training:compiled", 90),
    Step("paper", "benchmarks.gpu.training:paper", 1200),
    Step("paper_stable", "benchmarks.gpu.training:paper_stable", 1200),
)
"""In order of worth, but that the trainings which take what time is left come last."""
