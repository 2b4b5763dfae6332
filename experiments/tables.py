"""Tables as files and READMEs show them."""

from collections.abc import Sequence


def markdown_table(head: Sequence[str], *lines: Sequence[str]) -> str:
    """A Markdown table of a head and its lines, without a line end after the last."""
    return "\n".join("| " + " | ".join(line) + " |" for line in (head, ["---"] * len(head), *lines))
