# SPDX-License-Identifier: GPL-2.0-or-later
"""Lists of devices and scenes as tables, in text and for notebooks."""

from __future__ import annotations

import base64
import html
from collections.abc import Iterable, Sequence
from dataclasses import fields, is_dataclass
from typing import TypeVar

from . import _native
from ._errors import LiveKitError

T = TypeVar("T")

_WIDEST = 48  # columns of a cell in text
_PICTURE = 640  # pixels of a scene's picture in a notebook, at the most


def _cell(value: object) -> str:
    match value:
        case None | False:
            return ""
        case True:
            return "yes"
        case (int(), int()):
            return f"{value[0]}x{value[1]}"
        case (first, *rest) if is_dataclass(first):
            return f"{_cell(first)} and {len(rest)} more" if rest else _cell(first)
        case _ if is_dataclass(value):
            return " ".join(_cell(getattr(value, field.name)) for field in fields(value))
        case float():
            return f"{value:g}"
        case _:
            return str(value)


def _text(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    cut = [[c if len(c) <= _WIDEST else c[: _WIDEST - 1] + "…" for c in row] for row in (head, *rows)]
    widths = [max(len(row[i]) for row in cut) for i in range(len(head))]
    return "\n".join("  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in cut)


def _html(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    def line(cells: Sequence[str], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{html.escape(c)}</{tag}>" for c in cells) + "</tr>"

    body = "".join(line(row, "td") for row in rows)
    return f"<table><thead>{line(head, 'th')}</thead><tbody>{body}</tbody></table>"


class Listing(list[T]):
    """A list that prints as a table. What is made of it, a slice or a sum, is an ordinary list."""

    def __init__(self, things: Iterable[T], what: str) -> None:
        super().__init__(things)
        self._what = what

    def _table(self) -> tuple[list[str], list[list[str]]]:
        names = [field.name for field in fields(self[0])]  # type: ignore[arg-type]
        rows = [[str(n), *(_cell(getattr(thing, name)) for name in names)] for n, thing in enumerate(self)]
        return ["", *(name.removeprefix("is_") for name in names)], rows

    def __repr__(self) -> str:
        return _text(*self._table()) if self else f"no {self._what} (lk.doctor() says why)"

    def _repr_html_(self) -> str:
        return _html(*self._table()) if self else html.escape(repr(self))


def _place(layer: _native.Layer) -> str:
    said = []
    if layer.size != (None, None):
        said.append("x".join("?" if side is None else f"{side:g}" for side in layer.size))
    if layer.at is not None:
        said.append(f"at {layer.at[0]:g}, {layer.at[1]:g}")
    if layer.anchor is not None:
        said.append(layer.anchor)
    if layer.margin:
        said.append(f"{layer.margin:g} in")
    if layer.fit is not None:
        said.append(layer.fit)
    return ", ".join(said) or "the whole canvas"


def _look(layer: _native.Layer) -> str:
    said = []
    if not layer.visible:
        said.append("hidden")
    if layer.opacity != 1:
        said.append(f"opacity {layer.opacity:g}")
    if layer.rotation:
        said.append(f"turned by {layer.rotation:g}")
    if any(layer.crop):
        said.append(f"cropped by {', '.join(str(side) for side in layer.crop)}")
    if layer.flip is not None:
        said.append(f"flipped {layer.flip}")
    if layer.blend != "normal":
        said.append(layer.blend)
    return ", ".join(said)


def _sound(layer: _native.Layer) -> str:
    sound = layer.audio
    if sound is None:
        return ""
    return "muted" if sound.mute else f"{sound.gain:+g} dB" if sound.gain else "yes"


_HEAD = ("slot", "name", "source", "place", "look", "sound")


def _rows(scene: _native.Compositor) -> list[list[str]]:
    """A row for each layer, the front one first, as one sees them."""
    rows = []
    for layer in reversed(scene.layers):
        try:
            rows.append(
                [
                    str(layer.slot),
                    layer.name or "",
                    layer.source_name,
                    _place(layer),
                    _look(layer),
                    _sound(layer),
                ]
            )
        except LiveKitError:  # removed meanwhile
            continue
    return rows


def scene_text(scene: _native.Compositor, head: str) -> str:
    """A scene in a line, and a table of its layers."""
    rows = _rows(scene)
    many = f"{len(rows)} layer{'' if len(rows) == 1 else 's'}"
    return f"{head}, {many}>" + (f"\n{_text(_HEAD, rows)}" if rows else "")


def scene_html(scene: _native.Compositor) -> str:
    """A scene for notebooks: the table, and its picture now, or at its beginning, if it has one."""
    shown = _html(_HEAD, _rows(scene))
    try:
        frame = scene.frame("rgba")
        width, height = frame.size
        if width > _PICTURE:
            small = _native.Compositor(_PICTURE, max(1, round(_PICTURE * height / width)))
            small.add(frame, fit="stretch")
            frame = small.frame("rgb24")
        png = base64.b64encode(frame._repr_png_()).decode()
    except LiveKitError:  # it has live sources and does not run, for instance
        return shown
    return f'{shown}<img alt="the scene" src="data:image/png;base64,{png}">'
