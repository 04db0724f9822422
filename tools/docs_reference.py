# SPDX-License-Identifier: GPL-2.0-or-later
"""The reference: what the stubs say of a name, as Markdown. Nothing is imported, so it needs no build."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "python" / "livekit_studio"
FILES = (
    "_native.pyi",
    "_abc.py",
    "_errors.py",
    "_events.py",
    "_devices.py",
    "_reports.py",
    "_show.py",
    "testing.py",
)
ROLE = re.compile(r":(?:class|func|meth|attr):`([\w.]+)`")
# of the special methods, and what their headings say
SHOWN = {"__iter__": "for ... in", "__getitem__": "[ ]", "__len__": "len"}


@cache
def names() -> dict[str, ast.ClassDef | ast.FunctionDef]:
    """Every class and function there is to describe."""
    found: dict[str, ast.ClassDef | ast.FunctionDef] = {}
    for file in FILES:
        for node in ast.parse((PACKAGE / file).read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_"):
                found.setdefault(node.name, node)
    return found


@cache
def pages() -> dict[str, str]:
    """The page of the reference that each name stands on."""
    folder = PACKAGE.parents[1] / "docs" / "reference"
    return {
        name: page.name
        for page in folder.glob("*.md")
        for name in re.findall(r"^::: (\w+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    }


def text_of(node: ast.ClassDef | ast.FunctionDef) -> str:
    """Its docstring as Markdown."""
    lines: list[str] = []
    section = code = False
    for line in (ast.get_docstring(node) or "").splitlines():
        if re.fullmatch(r"(Args|Attributes):", line):
            section, line = True, f"\n*{line[:-1]}*\n"
        elif section and re.match(r"    \w[\w, *]*: ", line):
            name, _, rest = line.strip().partition(": ")
            line = f"* `{name}`: {rest}"
        elif section and line.startswith("        "):
            line = "  " + line.strip()
        elif line and not line.startswith(" "):
            section = False
        if line.endswith("::"):
            line, code = line[:-2].rstrip() and line[:-1], True
        elif code and line and not line.startswith("    "):
            code = False
        lines.append(line)
    return linked("\n".join(lines).replace("``", "`"))


def linked(text: str) -> str:
    """Roles as links to where the name stands."""

    def link(found: re.Match[str]) -> str:
        name = found[1]
        page = pages().get(name.partition(".")[0])
        return f"[`{name}`]({page}#{name.partition('.')[0]})" if page else f"`{name}`"

    return ROLE.sub(link, text)


def plain(annotation: str) -> str:
    """Types as people read them."""
    for inner, said in (
        ("_PixelFormat", "str"),
        ("_Path", "str | PathLike"),
        ("npt.NDArray", "NDArray"),
        ("_Source", "source"),
        ("_Array", "NDArray[uint8]"),
        ("_Samples", "NDArray[float32]"),
        ("_Pixels", "array"),
        ("_Rate", "rate"),
        ("_Device", "device"),
        ("np.", ""),
    ):
        annotation = re.sub(rf"(?<![\w.]){re.escape(inner)}", said, annotation)
    return re.sub(r"(?<![\w.])_([A-Z]\w+)", r"\1", annotation)


def value(node: ast.expr) -> str:
    """A default as people write it."""
    return (
        f'"{node.value}"'
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        else ast.unparse(node)
    )


def signature(node: ast.FunctionDef, name: str, method: bool) -> str:
    """A call as it is written, broken into lines where it is long."""
    arguments, bound = node.args, method and "staticmethod" not in decorators(node)
    parts: list[str] = []
    positional = [*arguments.posonlyargs, *arguments.args][1 if bound else 0 :]
    defaults = [None] * (len(positional) - len(arguments.defaults)) + list(arguments.defaults)

    def one(argument: ast.arg, default: ast.expr | None) -> str:
        kind = f": {plain(ast.unparse(argument.annotation))}" if argument.annotation else ""
        return f"{argument.arg}{kind}" + (f" = {value(default)}" if default is not None else "")

    parts += [
        one(a, d) for a, d in zip(positional, defaults[-len(positional) :] if positional else [], strict=True)
    ]
    if arguments.vararg:
        parts.append(f"*{arguments.vararg.arg}")
    elif arguments.kwonlyargs:
        parts.append("*")
    parts += [one(a, d) for a, d in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)]
    if arguments.kwarg:
        parts.append(f"**{arguments.kwarg.arg}")
    result = "" if node.returns is None or name[0].isupper() else f" -> {plain(ast.unparse(node.returns))}"
    line = f"{name}({', '.join(parts)}){result}"
    return line if len(line) <= 96 else f"{name}(\n    " + ",\n    ".join(parts) + f",\n){result}"


def decorators(node: ast.FunctionDef) -> set[str]:
    return {ast.unparse(decorator) for decorator in node.decorator_list}


def fenced(code: str) -> str:
    return f"```{{ .py .signature }}\n{code}\n```\n"


def of_class(node: ast.ClassDef) -> str:
    """A class: how it is made, what it says, its properties in a table, its methods."""
    methods = [child for child in node.body if isinstance(child, ast.FunctionDef)]
    made = next((child for child in methods if child.name == "__new__"), None)
    bases = [ast.unparse(base) for base in node.bases]
    shown = [base for base in bases if not base.startswith("_") and base != "abc.ABC"]
    out = [fenced(signature(made, node.name, True) if made else f"class {node.name}({', '.join(shown)})")]
    if made and shown:
        out.append("A " + linked(", ".join(f":class:`{base}`" for base in shown)) + ".\n")
    out.append(text_of(node) + "\n")
    setters = {
        child.name
        for child in methods
        for decorator in child.decorator_list
        if isinstance(decorator, ast.Attribute) and decorator.attr == "setter"
    }
    properties = [child for child in methods if "property" in decorators(child)]
    if properties:
        out.append("| property | type | |\n|---|---|---|")
        for child in properties:
            kind = plain(ast.unparse(child.returns)) if child.returns else ""
            said = " ".join(text_of(child).split()).replace("|", "\\|")
            name = f"`{child.name}`" + (" (set)" if child.name in setters else "")
            out.append(
                f"| {name} | `{kind}` | {said} |".replace("` | `", "` | `").replace(" | None`", " \\| None`")
            )
        out.append("")
    for child in methods:
        special = child.name.startswith("_") and child.name not in SHOWN
        text = text_of(child)
        if special or child in properties or child.name in setters or not text:
            continue
        heading = SHOWN.get(child.name, child.name)
        out.append(f"### {heading} {{ #{node.name}.{child.name.strip('_')} }}\n")
        out.append(fenced(signature(child, child.name, True)))
        out.append(text + "\n")
    return "\n".join(out)


def described(name: str) -> str:
    """The part of a page that ``::: name`` stands for."""
    node = names()[name]
    body = (
        of_class(node)
        if isinstance(node, ast.ClassDef)
        else fenced(signature(node, name, False)) + text_of(node)
    )
    return f'<a id="{name}"></a>\n\n{body}\n'
