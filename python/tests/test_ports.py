# SPDX-License-Identifier: GPL-2.0-or-later
"""Ports, and pictures as the programs of 2020 push and pull them: BGR or BGRA, microseconds, is_flipped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import LiveKit as lk
import media
import numpy as np
import pytest
from numpy.typing import NDArray

TIMELESS = 2**64 - 1


def noise(*shape: int) -> NDArray[np.uint8]:
    return np.random.default_rng(3).integers(0, 256, shape, np.uint8)


@pytest.mark.parametrize("channels", [3, 4])
def test_what_is_pushed_is_pulled(channels: int) -> None:
    port = lk.VideoPort()
    array = noise(9, 7, channels)
    port.push(array)
    pulled, timestamp, is_flipped = port.pull()
    assert pulled is not None
    np.testing.assert_array_equal(pulled, array)
    assert pulled.flags.writeable
    assert 0 <= timestamp < TIMELESS
    assert is_flipped is False


def test_an_empty_port_has_nothing() -> None:
    port = lk.VideoPort()
    array, _, is_flipped = port.pull()
    assert array is None
    assert is_flipped is False
    assert port.latest() is None


def test_push_copies() -> None:
    port = lk.VideoPort()
    array = noise(8, 8, 3)
    before = array.copy()
    port.push(array)
    array[:] = 0
    pulled = port.pull()[0]
    np.testing.assert_array_equal(pulled, before)
    assert pulled is not None
    pulled[:] = 7
    np.testing.assert_array_equal(port.pull()[0], before)


@pytest.mark.parametrize("channels", [3, 4])
def test_a_flipped_picture_is_turned_upright(channels: int) -> None:
    port = lk.VideoPort()
    array = noise(8, 6, channels)
    port.push(array, True)
    pulled, _, is_flipped = port.pull()
    np.testing.assert_array_equal(pulled, array[::-1])
    assert is_flipped is False
    port.push(array, is_flipped=False)
    np.testing.assert_array_equal(port.pull()[0], array)


def test_views_can_be_pushed() -> None:
    port = lk.VideoPort()
    array = noise(12, 10, 3)
    for view in (array[::-1], array[:, ::-1], array[2:10, 1:9], array[..., ::-1], array[::2, ::2]):
        port.push(view)
        np.testing.assert_array_equal(port.pull()[0], view)


def test_a_named_format_can_be_pushed() -> None:
    port = lk.VideoPort()
    array = noise(8, 8, 3)
    port.push(array, format="rgb24")
    np.testing.assert_array_equal(port.pull()[0], array[..., ::-1])
    port.push(noise(12, 8), format="yuv420p")
    latest = port.latest()
    assert latest is not None
    assert (latest.format, latest.size) == ("yuv420p", (8, 8))
    np.testing.assert_array_equal(latest.to_ndarray("yuv420p"), noise(12, 8))


def test_the_newest_frame_is_kept() -> None:
    port = lk.VideoPort()
    for value in range(20):
        port.push(np.full((4, 4, 3), value, np.uint8))
    latest = port.latest()
    assert latest is not None
    assert (latest.to_ndarray("bgr24") == 19).all()


def test_time_stamps_of_pushed_frames_rise() -> None:
    port = lk.VideoPort()
    seen = []
    for _ in range(5):
        port.push(noise(4, 4, 3))
        latest = port.latest()
        assert latest is not None
        seen.append(latest.timestamp)
    assert seen == sorted(seen)


def test_stills_have_no_time(tmp_path: Path) -> None:
    array = noise(6, 8, 3)
    lk.Frame.from_ndarray(array, "bgr24").save(tmp_path / "still.png")
    pulled, timestamp, is_flipped = lk.ImageFile(str(tmp_path / "still.png")).pull()
    np.testing.assert_array_equal(pulled, array)
    assert (timestamp, is_flipped) == (TIMELESS, False)
    still = lk.open(array, format="bgr24")
    assert isinstance(still, lk.StillSource)
    assert still.size() == (8, 6)
    pulled, timestamp, _ = still.pull()
    np.testing.assert_array_equal(pulled, array)
    assert timestamp == TIMELESS


def test_a_port_reads_a_source_until_told_otherwise() -> None:
    port = lk.VideoPort()
    first, second = noise(6, 6, 3), noise(6, 8, 4)
    port.set_source(lk.open(first, format="bgr24"))
    np.testing.assert_array_equal(port.pull()[0], first)
    port.set_source(lk.Frame.from_ndarray(second, "bgra"))
    np.testing.assert_array_equal(port.pull()[0], second)
    port.set_source(None)
    port.push(first)
    np.testing.assert_array_equal(port.pull()[0], first)


def test_a_port_can_feed_a_port(numbered: Path) -> None:
    player = lk.LazyPlayer(numbered)
    first, second = lk.VideoPort(), lk.VideoPort()
    first.set_source(player)
    second.set_source(first)
    scene = lk.Compositor(media.WIDTH, media.HEIGHT, fps=30)
    scene.add(second)
    shown = [media.number_of(media.luma(f)) for f in scene.frames("yuv420p", realtime=False, seconds=0.5)]
    assert shown == list(range(15))


def test_a_ring_of_ports_is_refused() -> None:
    first, second = lk.VideoPort(), lk.VideoPort()
    first.set_source(second)
    with pytest.raises(lk.LiveKitError):
        second.set_source(first)
    with pytest.raises(lk.LiveKitError):
        first.set_source(first)


def test_ports_are_sources_and_targets() -> None:
    port: Any = lk.VideoPort()
    assert isinstance(port, lk.VideoSource)
    assert isinstance(port, lk.VideoTarget)
    assert isinstance(lk.NullTarget(), lk.VideoTarget)
    assert not isinstance(lk.NullTarget(), lk.VideoSource)


def test_a_scene_renders_into_a_port() -> None:
    port = lk.VideoPort()
    scene = lk.Compositor(16, 8, fps=10)
    array = noise(8, 16, 3)
    scene.add(lk.open(array, format="bgr24"))
    scene.render(port, frames=3)
    np.testing.assert_array_equal(port.pull()[0], array)


def test_a_frame_given_with_the_wrong_shape_is_refused_and_the_old_one_stays() -> None:
    port = lk.VideoPort()
    array = noise(8, 8, 3)
    port.push(array)
    with pytest.raises(lk.FormatError):
        port.push(noise(8, 8))
    with pytest.raises(lk.FormatError):
        port.push(noise(8, 8, 2))
    np.testing.assert_array_equal(port.pull()[0], array)
