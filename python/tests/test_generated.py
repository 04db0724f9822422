# SPDX-License-Identifier: GPL-2.0-or-later
"""Sources that are computed: colours and the test pattern."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import LiveKit as lk
import media
import numpy as np
import pytest
from numpy.typing import NDArray

Picture = NDArray[np.uint8]


def shown(scene: lk.Compositor) -> Picture:
    return scene.frame("rgb24").to_ndarray("rgb24")


def number_in(picture: Picture) -> int:
    """The number in the row of blocks along the bottom."""
    height, width = picture.shape[:2]
    row = picture[height - height // 20 - 1].reshape(width, -1).mean(axis=1)
    centres = (2 * np.arange(32) + 1) * width // 64
    return int("".join("1" if row[x] > 127 else "0" for x in centres), 2)


def rate_of(fps: Any) -> float:
    return float(Fraction(fps))


def flashes(picture: Picture) -> bool:
    height, width = picture.shape[:2]
    return bool(picture[height // 16, width * 15 // 16].mean() > 200)


# ---- Color -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(64, 48), (1, 1), (301, 77)])
def test_a_color_fills_the_canvas(size: tuple[int, int]) -> None:
    for source in (
        lk.Color("#203040"),
        lk.Color("#203040", size=(5, 3)),
        "color:#203040",
        lk.open("color:#203040"),
    ):
        scene = lk.Compositor(*size, background="white")
        scene.add(source)
        assert (shown(scene) == (0x20, 0x30, 0x40)).all()


def test_a_color_with_a_size_is_a_picture_of_that_size() -> None:
    color = lk.Color("red", size=(20, 10))
    assert color.size() == (20, 10)
    scene = lk.Compositor(64, 48)
    scene.add(color, at=(8, 4))
    expected = np.zeros((48, 64, 3), np.uint8)
    expected[4:14, 8:28] = (255, 0, 0)
    np.testing.assert_array_equal(shown(scene), expected)


def test_a_color_may_be_seen_through() -> None:
    scene = lk.Compositor(16, 16, background="white")
    scene.add("color:#ff000080")
    picture = shown(scene).astype(int)
    assert np.abs(picture - (255, 127, 127)).max() <= 1
    array = lk.Color("#ff000080", size=(2, 2)).pull()[0]
    assert array is not None
    assert array.tolist() == [[[0, 0, 255, 128]] * 2] * 2


def test_a_color_is_exact_in_files(tmp_path: Path) -> None:
    scene = lk.Compositor(64, 48, fps=30)
    scene.add("color:#808080")
    statistics = scene.render(tmp_path / "grey.mkv", frames=3, video_codec="ffv1")
    assert statistics.frames == 3
    assert (media.decoded(tmp_path / "grey.mkv", "rgb24") == 128).all()


def test_a_color_is_what_opens_by_its_name() -> None:
    assert isinstance(lk.open("color:rgb(1 2 3)"), lk.Color)
    assert lk.open("color:red").name == "the colour #ff0000ff"


@pytest.mark.parametrize("wrong", ["color:", "color:#12", "color:nothing"])
def test_what_is_no_color(wrong: str) -> None:
    for attempt in (lk.open, lk.Compositor(8, 8).add):
        with pytest.raises(lk.ParameterError, match="colour") as error:
            attempt(wrong)
        assert error.value.hint is not None
    with pytest.raises(lk.ParameterError):
        lk.Color(wrong.removeprefix("color:"))


def test_impossible_sizes_of_colors() -> None:
    for size in ((0, 5), (-1, 5), (5, 99999)):
        with pytest.raises(lk.FormatError):
            lk.Color("red", size=size)
    with pytest.raises(lk.MediaError):
        lk.Compositor(8, 8).audio.add("color:red")


# ---- TestPattern -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fps", [30, 24, 60, "30000/1001"])
def test_each_frame_of_the_pattern_is_its_number(fps: Any) -> None:
    scene = lk.Compositor(320, 180, fps=fps)
    scene.add(lk.TestPattern(320, 180, fps=fps))
    frames = scene.frames("rgb24", realtime=False, seconds=70 / rate_of(fps))
    assert [number_in(f.array) for f in frames] == list(range(70))


def test_other_rates_repeat_and_leave_out() -> None:
    scene = lk.Compositor(320, 180, fps=60)
    scene.add(lk.TestPattern(320, 180, fps=25))
    frames = list(scene.frames("rgb24", realtime=False, seconds=2))
    assert [number_in(f.array) for f in frames] == [n * 25 // 60 for n in range(120)]


def test_the_pattern_is_drawn_once_for_each_frame() -> None:
    pattern = lk.TestPattern(1280, 720, fps=30)
    assert (pattern.size(), pattern.fps) == ((1280, 720), 30.0)
    first, again, other = pattern.frame(41), pattern.frame(41), pattern.frame(42)
    assert np.shares_memory(first.array, again.array)
    assert not np.array_equal(first.array, other.array)
    assert number_in(first.array) == 41
    assert first.timestamp == pytest.approx(41 / 30)
    assert number_in(pattern.frame(2**32 - 1).array) == 2**32 - 1
    np.testing.assert_array_equal(lk.TestPattern(1280, 720, fps=30).frame(41).array, first.array)


def test_pictures_survive_an_encoder(tmp_path: Path) -> None:
    scene = lk.Compositor(320, 180, fps=30)
    scene.add(lk.TestPattern(320, 180, fps=30))
    scene.render(tmp_path / "pattern.mp4", frames=45)
    pictures = media.decoded(tmp_path / "pattern.mp4")
    assert [number_in(p[..., None]) for p in pictures] == list(range(45))


@pytest.mark.parametrize("fps", [30, "30000/1001", 25])
def test_the_beep_begins_with_the_flash(tmp_path: Path, fps: Any) -> None:
    scene = lk.Compositor(64, 48, fps=fps)
    layer = scene.add(lk.TestPattern(64, 48, fps=fps))
    assert layer.audio is not None
    path = tmp_path / "pattern.mkv"
    scene.render(path, seconds=3, video_codec="ffv1", audio_codec="pcm_s16le")
    sound = media.decoded_sound(path)
    for second in range(3):
        heard = np.flatnonzero(np.abs(sound[second * 48000 : (second + 1) * 48000, 0]) > 1e-3)
        assert heard[0] <= 1, f"in second {second}"
        assert 4798 <= heard[-1] < 4800, f"in second {second}"
    assert np.abs(sound).max() == pytest.approx(0.25, abs=1e-3)

    rate = rate_of(fps)
    flash = [flashes(lk.TestPattern(64, 48, fps=fps).frame(n).array) for n in range(80)]
    starts = [n for n in range(1, 80) if flash[n] and not flash[n - 1]]
    assert flash[0]
    assert all(0 <= n / rate - second < 1 / rate for second, n in enumerate(starts, 1))


def test_the_pattern_comes_without_its_sound() -> None:
    scene = lk.Compositor(64, 48)
    assert scene.add(lk.TestPattern(64, 48), audio=False).audio is None
    port = lk.VideoPort()
    port.set_source(lk.TestPattern(64, 48))
    scene.add(port)
    assert scene.audio.inputs == []
    scene.set_source(0, lk.TestPattern(64, 48))
    assert [i.name for i in scene.audio.inputs] == ["the test pattern"]
    with pytest.raises(lk.ParameterError):
        scene.render(lk.NullTarget())  # it never ends


def test_impossible_patterns() -> None:
    for size in ((0, 0), (63, 48), (64, 47), (-5, 100), (20000, 48)):
        with pytest.raises(lk.FormatError):
            lk.TestPattern(*size)
    for fps in (0, -1, float("nan"), 1001, "often"):
        with pytest.raises(lk.ParameterError):
            lk.TestPattern(64, 48, fps=fps)
    with pytest.raises(lk.ParameterError):
        lk.TestPattern(64, 48).frame(-1)
