# SPDX-License-Identifier: GPL-2.0-or-later
"""For tests of your own: is this what the scene looks like?

::

    from livekit_studio.testing import assert_scene

    def test_the_title():
        scene = lk.Compositor(320, 180)
        scene.add(lk.Text("Hello"), anchor="center")
        assert_scene(scene, "title.png", at=3.0)
"""

from __future__ import annotations

import os
import sys
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ._native import Compositor, Frame, ImageFile

__all__ = ["assert_scene"]

UPDATE = "LIVEKIT_UPDATE_GOLDEN"

_Pixels = NDArray[np.uint8]


def _beside_caller(golden: str | PathLike[str]) -> Path:
    """A relative name lies beside the file of the test; without such a file in the folder one is in."""
    path = Path(golden)
    if path.is_absolute():
        return path
    caller = Path(sys._getframe(2).f_code.co_filename)
    return caller.parent / path if caller.is_file() else path


def _picture(path: Path) -> _Pixels:
    return ImageFile(path).frame(format="rgba").to_ndarray("rgba")


def _premultiplied(pixels: _Pixels) -> NDArray[np.int16]:
    """What is seen: the colour of what is transparent is not."""
    wide = pixels.astype(np.int32)
    alpha = wide[..., 3:]
    return np.concatenate([(wide[..., :3] * alpha + 127) // 255, alpha], axis=2).astype(np.int16)


def _told(difference: NDArray[np.int16], tolerance: int) -> tuple[str, _Pixels]:
    """What differs, in words and as a picture: red where it does, darker where it does less."""
    most = difference.max(axis=2)
    wrong = most > tolerance
    rows, columns = np.nonzero(wrong)
    box = f"x {columns.min()} to {columns.max()}, y {rows.min()} to {rows.max()}"
    words = f"{wrong.sum()} of {wrong.size} pixels differ by more than {tolerance}, at most by {most.max()}, in {box}"
    shown = np.zeros((*most.shape, 3), np.uint8)
    shown[..., 0] = np.where(wrong, 96 + np.minimum(most, 159), 0)
    return words, shown


def assert_scene(
    scene: Compositor,
    golden: str | PathLike[str],
    *,
    at: float = 0.0,
    tolerance: int = 2,
) -> None:
    """Fails unless ``scene`` looks like the picture ``golden`` at ``at`` seconds.

    The frame is rendered offline and exactly, whatever the scene holds: the same on every run and machine of a kind.
    When it fails, what was rendered and what differs lie beside the golden picture as ``NAME.actual.png`` and
    ``NAME.diff.png``. To accept what is rendered now, and to make golden pictures in the first place, run the tests
    with ``LIVEKIT_UPDATE_GOLDEN=1`` in the environment and look at the pictures before you keep them.

    Args:
        scene: it must not run.
        golden: a PNG. A relative name lies beside the file of the test.
        at: seconds.
        tolerance: how far each channel may be off, of 255. 2 allows for another processor's roundings; a golden
            picture made with another version may need more.

    Raises AssertionError, and what rendering raises: LiveSourceError for sources that cannot be exact.
    """
    __tracebackhide__ = True
    path = _beside_caller(golden)
    frame = scene.frame("rgba", at=at)
    actual, diff = (path.with_suffix(f".{what}.png") for what in ("actual", "diff"))
    if os.environ.get(UPDATE, "") not in ("", "0"):
        path.parent.mkdir(parents=True, exist_ok=True)
        frame.save(path)
        actual.unlink(missing_ok=True)
        diff.unlink(missing_ok=True)
        return
    accept = f"if it is right: {UPDATE}=1 pytest"
    if not path.is_file():
        frame.save(actual)
        raise AssertionError(f"there is no {path} yet; see {actual}, and {accept}")
    ours, theirs = frame.to_ndarray("rgba"), _picture(path)
    if ours.shape != theirs.shape:
        frame.save(actual)
        sizes = " but ".join(f"{pixels.shape[1]}x{pixels.shape[0]}" for pixels in (ours, theirs))
        raise AssertionError(f"the scene is {sizes} in {path}; see {actual}, and {accept}")
    difference = np.abs(_premultiplied(ours) - _premultiplied(theirs))
    if difference.max(initial=0) > tolerance:
        words, shown = _told(difference, tolerance)
        frame.save(actual)
        Frame.from_ndarray(shown, "rgb24").save(diff)
        raise AssertionError(
            f"at {at} s the scene is not {path.name}: {words}; see {actual} and {diff}, and {accept}"
        )
