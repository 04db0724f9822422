# SPDX-License-Identifier: GPL-2.0-or-later
"""Text as a source."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import LiveKit as lk
import numpy as np
import pytest
from numpy.typing import NDArray

Picture = NDArray[np.uint8]


def shown(scene: lk.Compositor) -> Picture:
    return scene.frame("rgb24").to_ndarray("rgb24")


def pulled(text: lk.Text) -> Picture:
    array = text.pull()[0]
    assert array is not None
    return np.asarray(array)


def until(condition: Callable[[], bool]) -> None:
    limit = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.005)


def test_text_lies_in_its_corner() -> None:
    scene = lk.Compositor(640, 360)
    text = lk.Text("LIVE", font_size=48)
    scene.add(text, anchor="top-right", margin=20)
    picture = shown(scene)
    rows, columns = np.nonzero(picture[..., 0] > 128)
    width, height = text.size()
    assert 640 - 20 - width <= columns.min() < columns.max() < 640 - 20
    assert 20 <= rows.min() < rows.max() < 20 + height
    assert (picture[rows, columns] == picture[rows, columns][:, :1]).all(), "white is grey everywhere"


def test_pixels_are_bgra_with_straight_alpha() -> None:
    text = lk.Text("I", font_size=100, color="#ff8000", background="#0000ff80", padding=10)
    picture = pulled(text)
    assert picture.shape == (*reversed(text.size()), 4)
    assert picture[2, 2].tolist() == [255, 0, 0, 128]
    assert (picture == (0, 128, 255, 255)).all(axis=2).any()
    assert text.pull()[1] == 2**64 - 1, "a picture without a time"


def test_a_change_shows_in_the_next_frame() -> None:
    scene = lk.Compositor(320, 100)
    text = lk.Text("one")
    scene.add(text)
    first = shown(scene)
    np.testing.assert_array_equal(shown(scene), first)
    text.text = "two"
    second = shown(scene)
    assert not np.array_equal(first, second)
    text.text = "one"
    np.testing.assert_array_equal(shown(scene), first)
    text.color = "red"
    assert shown(scene)[..., 1].max() == 0


def test_every_property_can_be_set() -> None:
    text = lk.Text("Some words", font_size=40)
    for name, value, read in [
        ("text", "Other words", "Other words"),
        ("font_size", 30, 30.0),
        ("color", "red", "#ff0000ff"),
        ("bold", True, True),
        ("italic", True, True),
        ("outline", "#00000080", "#00000080"),
        ("outline_width", 3, 3.0),
        ("background", "blue", "#0000ffff"),
        ("padding", 6, 6.0),
        ("radius", 4, 4.0),
        ("width", 120, 120.0),
        ("align", "right", "right"),
        ("line_spacing", 1.5, 1.5),
    ]:
        before = pulled(text)
        setattr(text, name, value)
        assert getattr(text, name) == read
        assert not np.array_equal(before, pulled(text)), name
    for name in ("font", "outline", "outline_width", "background", "width"):
        setattr(text, name, None)
        assert getattr(text, name) is None
    assert text.name == "the text 'Other words'".replace("'", '"')


def test_what_is_wrong_is_named(tmp_path: Path) -> None:
    text = lk.Text("x")
    before = pulled(text)
    wrong: list[tuple[str, Any]] = [
        ("font_size", 0),
        ("font_size", float("nan")),
        ("color", "nothing"),
        ("align", "top"),
        ("line_spacing", 0),
        ("width", -1),
        ("padding", 1e9),
        ("outline_width", -1),
    ]
    for name, value in wrong:
        with pytest.raises(lk.ParameterError) as error:
            lk.Text("x", **{name: value})
        assert error.value.hint is not None
        with pytest.raises(lk.ParameterError):
            setattr(text, name, value)
    np.testing.assert_array_equal(pulled(text), before)
    with pytest.raises(lk.MediaNotFoundError) as missing:
        lk.Text("x", font="DejaVu Sanz")
    assert missing.value.hint is not None
    with pytest.raises(lk.MediaNotFoundError):
        lk.Text("x", font=tmp_path / "none.ttf")
    (tmp_path / "wrong.ttf").write_bytes(b"no font")
    with pytest.raises(lk.MediaError, match="not a font"):
        lk.Text("x", font=tmp_path / "wrong.ttf")
    with pytest.raises(lk.FormatError):
        lk.Text(5)  # type: ignore[arg-type]
    with pytest.raises(lk.ParameterError):
        lk.Text(lambda t: "", rate=0)
    with pytest.raises(lk.ParameterError):
        lk.Text("x" * 100_000)


@pytest.mark.parametrize(
    "strange", ["", " ", "\0", "😀👩‍👩‍👧", "שלום", "漢字", "é́́", "\ufffe", "\n\n", "a\tb"]
)
def test_any_text_is_shown(strange: str) -> None:
    text = lk.Text(strange, width=50)
    assert text.text == strange
    assert min(text.size()) >= 1
    shown_size = pulled(text).shape
    assert shown_size == (*reversed(text.size()), 4)


def test_lone_surrogates_are_an_error_of_python() -> None:
    with pytest.raises((lk.FormatError, UnicodeEncodeError)):
        lk.Text("\ud800")


def test_a_function_is_called_for_every_frame_offline(tmp_path: Path) -> None:
    times: list[float] = []

    def clock(t: float) -> str:
        times.append(t)
        return f"{int(t * 5)}"

    def made() -> list[Picture]:
        scene = lk.Compositor(64, 48, fps=10)
        scene.add(lk.Text(clock, font_size=40))
        return [f.array for f in scene.frames("rgb24", realtime=False, seconds=1)]

    pictures = made()
    assert times == pytest.approx([n / 10 for n in range(10)])
    for n in range(10):
        expected = lk.Compositor(64, 48)
        expected.add(lk.Text(f"{n // 2}", font_size=40))
        np.testing.assert_array_equal(pictures[n], shown(expected))


def test_live_a_function_runs_beside() -> None:
    calls: list[float] = []

    def say(t: float) -> str | None:
        calls.append(t)
        return None if len(calls) == 1 else f"{len(calls)}"

    text = lk.Text(say, rate=1000)
    assert text.size() == (1, 1)
    until(lambda: text.pull()[0] is not None)
    until(lambda: (text.pull()[0] is not None) and text.text not in ("", "2"))
    assert pulled(text).shape[0] > 10
    with pytest.raises(lk.ParameterError, match="function"):
        text.text = "mine"
    text.color = "red"
    assert text.color == "#ff0000ff"


def test_an_exception_in_a_function_ends_a_render() -> None:
    def fails(t: float) -> str:
        raise KeyError("mine")

    for function, cause in ((fails, KeyError), (lambda t: 5, lk.FormatError)):
        scene = lk.Compositor(64, 48)
        scene.add(lk.Text(function))  # type: ignore[arg-type]
        with pytest.raises(lk.CallbackError) as error:
            scene.frame("rgb24")
        assert isinstance(error.value.__cause__, cause)


@pytest.mark.parametrize("ending", ["pass", "del text", "text = None; import gc; gc.collect()"])
def test_the_interpreter_may_end_while_a_function_runs(ending: str) -> None:
    code = f"""
import time
import LiveKit as lk
text = lk.Text(lambda t: time.sleep(0.2) or "x", rate=1000)
text.pull()
time.sleep(0.05)
{ending}
"""
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
