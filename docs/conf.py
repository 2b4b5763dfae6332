"""The documentation site: `make docs` builds it into docs/_build/html.

Pages are Markdown that reads as well on a code host. The API comes from docstrings, which are written as Markdown too;
formulas become MathML here, so that a page needs neither a script nor a network to show them.
"""

import re
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.addnodes import desc_annotation, pending_xref
from sphinx.application import Sphinx
from sphinx.domains.python import PyObject
from sphinx.transforms import SphinxTransform
from sphinx.util import logging
from sphinx.writers.html5 import HTML5Translator

from duolift import __version__

project, author, release = "duolift", "the duolift authors", __version__
project_copyright = "the authors of duolift, under Apache-2.0"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "duolift"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source, html_show_sphinx = False, False
html_math_renderer = "mathml"

myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
suppress_warnings = ["myst.header"]  # a page may begin with a part of the README, below its first heading

autodoc_default_options = {
    "members": True,
    "member-order": "bysource",
    "special-members": "__call__",
    "ignore-module-all": True,  # what a package passes on is documented where it is defined
}
autodoc_mock_imports = ["nflows"]
autodoc_preserve_defaults = True
autodoc_class_signature = "mixed"
napoleon_numpy_docstring, napoleon_use_ivar, napoleon_attr_annotations = False, True, False
maximum_signature_line_length = 88
python_use_unqualified_type_names = True
add_module_names = False

nitpicky = True
nitpick_ignore_regex = [
    ("py:obj", ".*"),  # code in prose that names no part of the API
    ("py:class", r"(?!duolift\.).*"),  # other libraries' types: their sites are not at hand offline
    ("py:exc", r"(?!duolift\.).*"),
    ("py:class", r"duolift\..*\.[A-Z]"),  # type variables
]

PACKAGE = Path(__file__).parents[1] / "duolift"
SOURCES = {path.relative_to(PACKAGE.parent).as_posix() for path in PACKAGE.rglob("*.py")}
MODULES = re.compile(r"^<!-- modules: (.+) -->$", re.MULTILINE)
"""Stands in a page of the API for a section on every module of some folders, or on single modules, of `duolift`."""
CODE = re.compile(r"(`[^`]+`)")
NAME = re.compile(r"`[A-Za-z_][\w.]*`")
CLASS = re.compile(r"`([A-Z]\w*[a-z][\w.]*)`")
MARKUP = re.compile(r"(?<![\w*])\*\w[^*]*\*(?!\w)|[*|\\]|(?<=\w)_(?!\w)")
LONGEST_VALUE = 60
MENDED = (
    (  # an accent's index belongs below the right of it, not under it
        re.compile(
            r"<munderover>\s*(<mi\b.*?</mi>)\s*(\S.*?)\s*(<mo stretchy=.false.>.</mo>)\s*</munderover>", re.DOTALL
        ),
        r'<msub><mover accent="true">\1\3</mover>\2</msub>',
    ),
    (re.compile(r"<mo>&ApplyFunction;</mo>"), '<mspace width="0.17em"/>'),
    (  # brackets of any height, in any font
        re.compile(r"<mo>\(</mo>\s*<mtable>(.*?)</mtable>\s*<mo>\)</mo>", re.DOTALL),
        r'<mtable class="matrix">\1</mtable>',
    ),
)
"""What docutils' MathML lacks."""
SECTION = re.compile(r"\w+:$")


def module_name(path: Path) -> str:
    """`duolift.geometry.cameras` of that file."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def modules_of(name: str) -> list[str]:
    """The modules of a folder of `duolift` that have something to say, or the single module of that name."""
    folder = PACKAGE / name
    paths = sorted(folder.rglob("*.py")) if folder.is_dir() else [folder.with_suffix(".py")]
    return [module_name(path) for path in paths if path.stat().st_size]


def with_modules(app: Sphinx, page: str, source: list[str]) -> None:
    """A page of the API with its modules' sections."""

    def sections(found: re.Match[str]) -> str:
        modules = [module for name in found[1].split() for module in modules_of(name)]
        return "\n".join(f"## `{name}`\n\n```{{eval-rst}}\n.. automodule:: {name}\n```\n" for name in modules)

    source[0] = MODULES.sub(sections, source[0])


class SourceLinks(SphinxTransform):
    """Code such as `duolift/placement/ground.py` in prose leads to the page of that module, where there is one."""

    default_priority = 5

    def apply(self, **_: Any) -> None:
        for literal in list(self.document.findall(nodes.literal)):
            if literal.astext() in SOURCES and not isinstance(literal.parent, nodes.reference | pending_xref):
                module = module_name(PACKAGE.parent / literal.astext())
                link = pending_xref(
                    "",
                    literal.deepcopy(),
                    refdomain="py",
                    reftype="obj",
                    reftarget=module,
                    refdoc=self.env.current_document.docname,
                    refexplicit=True,
                )
                literal.replace_self(link)


ARRAYS = (
    (re.compile(r"[\w.~]*_Buffer \| .*?complex \| bytes \| str\]"), "ArrayLike"),
    (re.compile(r"[\w.~]*ndarray\[[\w.~]*uple\[[\w.~]*Any, \.\.\.\], [\w.~]*dtype\[[\w.~]*?(\w+)\]\]"), r"NDArray[\1]"),
)
"""What NumPy's types are made of, and what they are called."""

COLON = "\ue000"
"""Stands for a colon in the docstring of a constant, before which a type would be looked for."""


def short_types(app: Sphinx, what: str, name: str, found: object, options: object, *signature: str | None) -> tuple:
    written = []
    for part in signature:
        for made_of, called in ARRAYS:
            part = part and made_of.sub(called, part)
        written.append(part)
    return tuple(written)


def with_colons(app: Sphinx, what: str, name: str, found: object, options: object, lines: list[str]) -> None:
    lines[:] = [line.replace(COLON, ":") for line in lines]


def without_long_values(app: Sphinx, document: nodes.document) -> None:
    """A constant's value is shown where it is short, and no object of Python's."""
    for value in list(document.findall(desc_annotation)):
        text = value.astext()
        if text.startswith(" = ") and (len(text) > LONGEST_VALUE or "<" in text or "Path(" in text):
            value.parent.remove(value)


def from_markdown(app: Sphinx, what: str, name: str, found: object, options: object, lines: list[str]) -> None:
    """A docstring's Markdown as reStructuredText: code in backticks, indented lines below a paragraph as a block.

    An example and its output, up to the next empty line, stay as they are.
    """
    block, example, before = False, False, ""
    written: list[str] = []
    for line in lines:
        example = line.lstrip().startswith(">>> ") or (example and bool(line.strip()))
        indent = len(line) - len(line.lstrip())
        if block and line.strip() and not indent:
            block = False
        elif not block and indent >= 4 and not before.strip() and _last(written) is not None:
            last = written[_last(written)]  # type: ignore[index]
            if last[:1] != " " and not SECTION.match(last.strip()):
                written += ["::", ""]
                block = True
        written.append(line if block or example else "".join(map(_inline, CODE.split(line))))
        before = line
    if what in ("data", "attribute", "property"):
        written = [re.sub(r":(?= |$)", COLON, line) for line in written]
    lines[:] = written


def _last(lines: list[str]) -> int | None:
    """Where the last line is that holds something."""
    return next((number for number in range(len(lines) - 1, -1, -1) if lines[number].strip()), None)


def _inline(text: str) -> str:
    if not CODE.fullmatch(text):
        return MARKUP.sub(lambda found: found[0] if len(found[0]) > 1 else f"\\{found[0]}", text)
    if found := CLASS.fullmatch(text):
        return f":py:obj:`~.{found[1]}`\\ "  # in whatever module it is
    return f":py:obj:{text}\\ " if NAME.fullmatch(text) else f"`{text}`\\ "


def mathml(self: HTML5Translator, node: nodes.math) -> None:
    self.body.append(_formula(node, node.astext(), False))
    raise nodes.SkipNode


def mathml_block(self: HTML5Translator, node: nodes.math_block) -> None:
    r"""A formula in a line of its own; `\tag{1}` is its number."""
    tag = re.search(r"\\tag\{(.+?)\}", node.astext())
    number = f'<span class="eqno">({tag[1]})</span>' if tag else ""
    formula = _formula(node, re.sub(r"\\tag\{.+?\}", "", node.astext()), True)
    self.body.append(f'<div class="math">{formula}{number}</div>\n')
    raise nodes.SkipNode


def _formula(node: nodes.Node, formula: str, block: bool) -> str:
    try:
        written = str(tex2mathml(formula, as_block=block))
    except MathError as error:
        logging.getLogger(__name__).warning("no formula: %s", error, location=node)
        return ""
    for found, mended in MENDED:
        written = found.sub(mended, written)
    return written


def setup(app: Sphinx) -> None:
    for field in PyObject.doc_field_types:
        if field.name == "variable":
            field.label = "Attributes"
    app.add_html_math_renderer("mathml", (mathml, None), (mathml_block, None))
    app.add_transform(SourceLinks)
    app.connect("source-read", with_modules)
    app.connect("autodoc-process-docstring", from_markdown, priority=100)
    app.connect("autodoc-process-docstring", with_colons, priority=900)
    app.connect("autodoc-process-signature", short_types)
    app.connect("doctree-read", without_long_values)
