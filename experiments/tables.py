"""Tables as Markdown."""

from collections.abc import Sequence


def markdown_table(lines: Sequence[Sequence[str]]) -> str:
    """A head and lines of as many cells, as a table."""
    head, *rest = lines
    return "".join("| " + " | ".join(line) + " |\n" for line in (head, ["---"] * len(head), *rest))
