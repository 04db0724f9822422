# SPDX-License-Identifier: GPL-2.0-or-later
"""Look at something, or listen to it, in one line."""

from __future__ import annotations

from os import PathLike
from typing import TYPE_CHECKING

from . import _native

if TYPE_CHECKING:
    from ._native import _PixelFormat, _Pixels, _Source


def view(
    source: _Source | _Pixels,
    *,
    format: _PixelFormat | None = None,
    size: tuple[int, int] | None = None,
    title: str | None = None,
    seconds: float | None = None,
) -> None:
    """Shows a source, a scene, a picture or an array in a window until the window is closed.

    A scene that does not run runs meanwhile. f fills the screen, q and Escape close. Ctrl-C ends it too.

    Args:
        source: whatever :func:`open` takes, and scenes.
        format: what an array holds; needed for arrays alone.
        size: (width, height) of the window; None is the picture's own size, if that fits on most screens.
        title: what stands over it; None is the source's name.
        seconds: closes it then.

    Raises DisplayError where there is no display, and what opening and reading the source raise.
    """
    if isinstance(source, _native.Compositor):
        ran = source.is_running()
        source.start()
        try:
            _native._show(source, title or "LiveKit", size or source.size, seconds)
        finally:
            if not ran:
                source.stop()
        return
    opened = _native.open(source, format=format)
    _native._show(opened, title or opened.name, size, seconds)


def play(
    source: _native.Player | str | PathLike[str],
    *,
    loop: bool = False,
    size: tuple[int, int] | None = None,
    title: str | None = None,
    seconds: float | None = None,
) -> None:
    """Plays a file or an address with its sound, in a window if it has pictures, until it ends or the window is closed.

    Keys: space stops and goes on, arrows to the side go by 5 s, arrows up and down change how loud it is, m mutes it,
    f fills the screen, q and Escape close. Ctrl-C ends it too.

    Args:
        source: a file, an address, or a :class:`Player`, which is started.
        loop: begins again at the end.
        size: (width, height) of the window; None is the pictures' own size, if that fits on most screens.
        title: what stands over it; None is the name of the file.
        seconds: ends it then.

    Raises DisplayError for pictures where there is no display, and what :class:`Player` raises.
    """
    ours = not isinstance(source, _native.Player)
    player = source if isinstance(source, _native.Player) else _native.Player(source, loop=loop)
    try:
        player.start()
        if player.video_size() == (0, 0):
            player.wait(seconds)
        else:
            _native._show(player, title or player.name, size, seconds)
    finally:
        if ours:
            player.close()
        else:
            player.stop()
