# SPDX-License-Identifier: GPL-2.0-or-later
"""Sound in and out of arrays, through ports."""

from __future__ import annotations

import math
import signal
import subprocess
import sys
import textwrap
import threading
import time
from typing import Any

import LiveKit as lk
import numpy as np
import programs
import pytest

RATE = 48_000
PATIENCE = 60  # seconds until something hanging counts as a failure; no measure of speed


def ramp(count: int) -> np.ndarray:
    """Every sample another value, left and right."""
    values = np.arange(1, 2 * count + 1, dtype=np.float32).reshape(count, 2)
    return (values / (4 * count)).astype(np.float32)


def heard(port: lk.AudioPort, count: int) -> np.ndarray:
    """What was pushed, once it is due: the last ``count`` samples that are not silent."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        sound = port.pull(RATE)
        used = np.flatnonzero(np.any(sound != 0, axis=1))
        if len(used) >= count:
            return sound[used[-1] - count + 1 : used[-1] + 1]
        time.sleep(0.005)
    raise AssertionError("nothing was heard")


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (ramp(480), ramp(480)),
        (ramp(480)[:, 0], np.repeat(ramp(480)[:, :1], 2, axis=1)),
        (ramp(480)[:, :1], np.repeat(ramp(480)[:, :1], 2, axis=1)),
        (ramp(480).astype(np.float64), ramp(480)),
        (ramp(960)[::2], ramp(960)[::2]),
        (np.asfortranarray(ramp(480)), ramp(480)),
        (np.arange(1, 961, dtype=np.int16).reshape(480, 2), np.arange(1, 961).reshape(480, 2) / 32768),
    ],
    ids=["stereo", "mono", "column", "float64", "strided", "fortran", "int16"],
)
def test_what_is_pushed_is_pulled(array: np.ndarray, expected: np.ndarray) -> None:
    port = lk.AudioPort()
    assert port.push(array) == len(array)
    got = heard(port, len(array))
    assert (got.dtype, got.shape) == (np.float32, (len(array), 2))
    np.testing.assert_allclose(got, expected, atol=1e-7)


def test_pushes_follow_one_another_without_a_gap() -> None:
    port, sound = lk.AudioPort(), ramp(4800)
    for start in range(0, 4800, 100):
        assert port.push(sound[start : start + 100]) == 100
    np.testing.assert_array_equal(heard(port, 4800), sound)


def test_a_full_port_says_how_much_it_took_and_waits_when_told() -> None:
    port = lk.AudioPort()
    room = port.room
    taken = port.push(np.full(3 * RATE, 0.5, np.float32))
    assert room <= taken < 2 * RATE
    assert port.push(np.full(RATE, 0.5, np.float32), wait=True) == RATE


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((4, 3), np.float32),
        np.zeros((2, 2, 2), np.float32),
        np.zeros((4, 2), np.uint8),
        np.zeros((4, 2), np.int32),
        np.zeros((), np.float32),
        "sound",
        None,
        [0.0, 1.0],
    ],
)
def test_what_is_no_sound_is_refused(array: Any) -> None:
    with pytest.raises(lk.FormatError) as error:
        lk.AudioPort().push(array)
    assert error.value.hint is not None
    assert "48 kHz" in error.value.hint


def test_what_is_no_number_is_silence() -> None:
    port = lk.AudioPort()
    port.push(np.array([0.25, np.nan, np.inf, -np.inf, 0.5], np.float32))
    assert heard(port, 2)[-1].tolist() == [0.5, 0.5]
    assert np.isfinite(port.pull(RATE)).all()


def test_an_empty_port_is_silent_and_bounds_are_told() -> None:
    port = lk.AudioPort()
    assert not port.pull().any()
    assert port.pull().shape == (480, 2)
    assert port.pull(0).shape == (0, 2)
    assert port.push(np.zeros((0, 2), np.float32)) == 0
    for count in (-1, 2 * RATE + 1):
        with pytest.raises(lk.ParameterError):
            port.pull(count)
    for block in (0, -5, RATE + 1):
        with pytest.raises(lk.ParameterError):
            port.samples(block)
    with pytest.raises(lk.ParameterError):
        port.pull(10, at=math.nan)


def test_places_are_those_of_the_live_clock() -> None:
    port, before = lk.AudioPort(), time.monotonic()
    port.push(np.full(480, 0.5, np.float32))
    after = time.monotonic()
    sound = port.pull(RATE, at=before)
    first = int(np.flatnonzero(sound[:, 0])[0])
    # Python's clock goes by steps on Windows
    step = time.get_clock_info("monotonic").resolution
    assert -1 <= first <= (after - before + step) * RATE + 1
    assert (sound[first : first + 480] == 0.5).all()
    assert not sound[first + 480 :].any()


def test_negative_ids_are_the_same_port_for_everybody() -> None:
    one, two, other = lk.AudioPort(-41), lk.AudioPort(-41), lk.AudioPort(-42)
    one.push(ramp(480))
    np.testing.assert_array_equal(heard(two, 480), ramp(480))
    assert not other.pull(RATE).any()
    assert one.name == two.name == "audio channel -41"
    with pytest.raises(lk.ParameterError):
        lk.AudioPort(0)


def test_the_meters() -> None:
    port = lk.AudioPort()
    assert port.peak() == port.rms() == (-math.inf, -math.inf)
    t = np.arange(RATE) / RATE
    tone = np.stack([0.5 * np.sin(2 * np.pi * 1000 * t), np.zeros(RATE)], axis=1).astype(np.float32)
    port.push(tone)
    heard(port, RATE // 2)
    (left, right), (left_rms, right_rms) = port.peak(0.1), port.rms(0.1)
    assert left == pytest.approx(-6.02, abs=0.05)
    assert left_rms == pytest.approx(-9.03, abs=0.05)
    assert right == right_rms == -math.inf


def test_blocks_come_in_order_each_sample_once() -> None:
    port, sound = lk.AudioPort(), ramp(RATE // 2)
    blocks = port.samples(480)
    port.push(sound)
    got: list[np.ndarray] = []
    for block in blocks:
        assert block.shape == (480, 2)
        got.append(block)
        if sum(b.any(axis=1).sum() for b in got) >= len(sound):
            break
    together = np.concatenate(got)
    first = int(np.flatnonzero(together[:, 0])[0])
    np.testing.assert_array_equal(together[first : first + len(sound)], sound)
    assert blocks.lost == 0


def test_silence_comes_when_nobody_writes_and_close_ends_it() -> None:
    blocks = lk.AudioPort().samples(4800)
    assert not next(blocks).any()
    assert not next(blocks).any()
    waiting = lk.AudioPort().samples(RATE)
    reader = threading.Thread(target=lambda: list(waiting))
    reader.start()
    waiting.close()
    reader.join(PATIENCE)
    assert not reader.is_alive()


@pytest.mark.parametrize(
    "wait", ["for _ in port.samples(): pass", "port.push(np.zeros(10**8, np.float32), wait=True)"]
)
def test_ctrl_c_leaves_what_waits(wait: str) -> None:
    program = f"""
        import numpy as np
        import LiveKit as lk
        port = lk.AudioPort()
        try:
            print("ready", flush=True)
            {wait}
        except KeyboardInterrupt:
            print("interrupted")
        """
    child = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    child.send_signal(signal.SIGINT)
    said, _ = child.communicate(timeout=programs.PATIENCE)
    assert (said, child.returncode) == ("interrupted\n", 0)


def test_a_port_is_added_to_a_mixer_and_refused_offline() -> None:
    scene, port = lk.Compositor(16, 16), lk.AudioPort()
    added = scene.audio.add(port, gain=-6)
    assert (added.name, added.gain) == ("an audio port", -6)
    assert scene.audio.add(-43).name == "audio channel -43"
    with pytest.raises(lk.LiveSourceError, match="an audio port"):
        scene.render(lk.NullTarget(), frames=1, progress=False)


def test_sounds_that_pictures_bring_are_added() -> None:
    scene = lk.Compositor(64, 48)
    assert scene.audio.add(lk.TestPattern(64, 48)).gain == 0
    with pytest.raises(lk.MediaError, match="no sound"):
        scene.audio.add(lk.Color("red"))
    with pytest.raises(lk.DeviceError):
        scene.audio.add(999)
    with pytest.raises(lk.FormatError):
        scene.audio.add(None)  # type: ignore[arg-type]
