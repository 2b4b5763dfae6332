"""A table reads back as it was written."""

from experiments.tables import markdown_table


def test_a_markdown_table_holds_its_cells_line_by_line_under_a_head_and_a_rule() -> None:
    lines = [["what", "mm", "deg"], ["an arm", "1.0", ""], ["a leg", "2.0 (3.0)", "[4]"]]
    head, rule, *rest = (line.strip("|").split("|") for line in markdown_table(*lines).split("\n"))
    assert [[cell.strip() for cell in line] for line in (head, *rest)] == lines
    assert [cell.strip() for cell in rule] == ["---"] * 3


def test_a_head_alone_is_a_table() -> None:
    assert markdown_table(["a", "b"]) == "| a | b |\n| --- | --- |"
