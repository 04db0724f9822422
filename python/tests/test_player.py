# SPDX-License-Identifier: GPL-2.0-or-later
"""Players in real time: the right picture at every time, sound at its place, targets of one's own."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import LiveKit as lk
import media
import numpy as np
import programs
import pytest

PATIENCE = 60  # seconds until something hanging counts as a failure; no measure of speed
FRAMES, RATE = 45, 30


@pytest.fixture(scope="module")
def short(folder: Path) -> Path:
    """45 numbered frames at 30 a second, with a tone of 440 Hz."""
    path, silent = folder / "short.mp4", media.numbered_clip(folder / "short-silent.mp4", FRAMES, RATE)
    sound = media.write_sound(folder / "short.wav", media.tone(FRAMES / RATE, 440))
    media.ffmpeg("-i", silent, "-i", sound, "-c:v", "copy", "-c:a", "aac", "-b:a", "128k", path)
    return path


def until(true: Callable[[], object], what: str = "it") -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, f"{what} did not happen"
        time.sleep(0.01)


def shown(source: lk.VideoSource) -> int | None:
    """The number in the picture it shows."""
    array, _, _ = source.pull()
    return None if array is None else media.number_of(array)


def loudness(port: lk.AudioPort) -> float:
    return float(np.abs(port.pull(4800)).max())


class Numbers(lk.VideoTarget):
    """Notes the number of every picture."""

    def __init__(self) -> None:
        self.seen: list[int] = []
        self.shapes: set[tuple[int, ...]] = set()

    def push(self, array: Any, is_flipped: bool = False) -> None:
        self.seen.append(media.number_of(array))
        self.shapes.add((*array.shape, is_flipped))
        array[:] = 0  # it is ours


# ---- Pictures ------------------------------------------------------------------------------------------------


def test_made_it_stands_at_its_first_picture_and_plays_to_its_last(short: Path) -> None:
    player, ports, numbers = lk.Player(short), (lk.VideoPort(), lk.VideoPort()), Numbers()
    for target in (*ports, numbers):
        player.add_target(target)
    assert (shown(player), shown(ports[0]), shown(ports[1])) == (0, 0, 0)
    assert (player.video_size(), player.get_position()) == ((media.WIDTH, media.HEIGHT), 0)
    assert player.get_duration() == pytest.approx(FRAMES / RATE * 1e6, abs=50_000)
    assert not player.is_playing()
    assert not player.is_eof_reached()
    assert player.state == "live"
    player.start()
    assert player.is_playing()
    while not player.wait(0.01):
        number = shown(ports[0])
        assert number is not None
    assert player.is_eof_reached()
    assert not player.is_playing()
    assert player.state == "ended"
    assert (shown(player), shown(ports[0]), shown(ports[1])) == (FRAMES - 1,) * 3
    until(lambda: numbers.seen[-1:] == [FRAMES - 1], "the last picture")
    # the one it stood at is pushed when the target is added, and again at its place when it starts
    seen = numbers.seen[numbers.seen.count(0) - 1 :]
    assert seen[0] == 0
    assert seen == sorted(set(seen)), "each picture once, in order"
    assert numbers.shapes == {(media.HEIGHT, media.WIDTH, 3, False)}
    counts = player.statistics()
    assert isinstance(counts, lk.PlayerStatistics)
    assert counts.decoded >= FRAMES - counts.dropped_late
    assert (counts.damaged, counts.stalls, counts.laps) == (0, 0, 0)


def test_pictures_have_the_times_of_one_line(numbered: Path) -> None:
    """Whatever the machine does: the n-th picture is due n / rate after the first, on the clock's own grid."""
    player, port = lk.Player(numbered), lk.VideoPort()
    player.add_target(port)
    player.start()
    times: dict[int, float] = {}
    while len(times) < 30:
        frame = port.latest()
        assert frame is not None
        number = media.number_of(media.luma(frame))
        if number > 0:
            assert times.setdefault(number, frame.timestamp) == frame.timestamp
    starts = [time - number / 30 for number, time in times.items()]
    assert max(starts) - min(starts) < 1e-6
    index = starts[0] * 30
    assert abs(index - round(index)) < 1e-4


@pytest.mark.parametrize("number", [0, 1, 47, 48, 49, 150, 299])
def test_it_goes_where_it_is_told(numbered: Path, number: int) -> None:
    player, port = lk.Player(numbered, play_audio=False), lk.VideoPort()
    player.add_target(port)
    player.set_position(round(number / 30 * 1e6))
    until(lambda: shown(port) == number, f"picture {number}")
    assert player.get_position() == pytest.approx(number / 30 * 1e6, abs=2)
    assert not player.is_playing()


def test_seeks_while_it_plays(numbered: Path) -> None:
    player = lk.Player(numbered)
    player.start()
    for number in (200, 20, 290, 0, 100):
        player.set_position(round(number / 30 * 1e6))
        until(lambda number=number: (shown(player) or 0) in range(number, number + 60))  # type: ignore[misc]
        assert player.is_playing()
    player.stop()
    position = player.get_position()
    time.sleep(0.1)
    assert player.get_position() == position
    player.set_position(-5)
    assert player.get_position() == 0
    player.set_position(10**15)
    until(lambda: shown(player) == 299, "the last picture")


def test_it_begins_again(short: Path) -> None:
    player, numbers = lk.Player(short, loop=True, rate=4.0), Numbers()
    assert (player.loop, player.rate) == (True, 4.0)
    player.add_target(numbers)
    player.start()
    until(lambda: sum(b < a for a, b in pairwise(list(numbers.seen))) >= 2, "a third lap")
    assert player.statistics().laps >= 2
    assert not player.is_eof_reached()
    player.loop = False
    assert player.wait(PATIENCE)
    # from its end it starts at the beginning
    player.rate = 1.0
    player.start()
    until(lambda: (shown(player) or 0) > 0 and player.is_playing())
    assert player.get_position() < FRAMES / RATE * 1e6


def test_targets_come_and_go(short: Path) -> None:
    player, port, null = lk.Player(short, loop=True), lk.VideoPort(), lk.NullTarget("bgr24")
    player.add_target(port)
    player.add_target(port)
    player.add_target(null)
    player.start()
    until(lambda: null.frames > 3)
    player.remove_target(null)
    player.remove_target(null)
    count = null.frames
    number = shown(port)
    until(lambda: shown(port) != number)
    assert null.frames <= count + 1
    for wrong in (42, "out.mp4", None, lk.Compositor(16, 16), object()):
        with pytest.raises(lk.FormatError, match="is not a target"):
            player.add_target(wrong)  # type: ignore[arg-type]


def test_offline_it_is_exact(short: Path) -> None:
    player, port = lk.Player(short), lk.VideoPort()
    player.add_target(port)
    scene = lk.Compositor(media.WIDTH, media.HEIGHT, fps=30)
    scene.add(port)
    frames = scene.frames("yuv420p", realtime=False, seconds=1)
    assert [media.number_of(media.luma(frame)) for frame in frames] == list(range(30))
    del frames
    direct = lk.Compositor(media.WIDTH, media.HEIGHT, fps=30)
    direct.add(lk.Player(short))
    frames = direct.frames("yuv420p", realtime=False, seconds=1)
    assert [media.number_of(media.luma(frame)) for frame in frames] == list(range(30))


# ---- Sound ---------------------------------------------------------------------------------------------------


def test_it_is_heard_in_a_channel(short: Path) -> None:
    player, channel, other = (
        lk.Player(short, True, True, -71, loop=True),
        lk.AudioPort(-71),
        lk.AudioPort(-72),
    )
    assert loudness(channel) == 0
    player.start()
    until(lambda: loudness(channel) > 0.1, "sound")
    player.mute = True
    until(lambda: loudness(channel) == 0, "silence")
    player.mute = False
    player.gain = -20.0
    until(lambda: 0 < loudness(channel) < 0.05, "softer sound")
    assert player.gain == pytest.approx(-20)
    player.gain = 0.0
    player.set_audio_device(-71)  # where it is already
    until(lambda: loudness(channel) > 0.1, "sound")
    player.set_audio_device(-72)
    until(lambda: loudness(other) > 0.1, "sound")
    assert loudness(channel) == 0
    player.set_audio_device(0)  # a device: not in this version, so in silence
    assert loudness(other) == 0
    player.set_audio_device(-72)
    until(lambda: loudness(other) > 0.1, "sound")
    del player
    gc.collect()
    assert loudness(other) == 0


def test_what_is_heard_is_what_is_in_the_file(clip_with_sound: Path) -> None:
    player, channel = lk.Player(clip_with_sound, audio_device_id=-73), lk.AudioPort(-73)
    player.start()
    until(lambda: player.get_position() > 1_000_000)
    samples = channel.pull(24000)
    spectrum = np.abs(np.fft.rfft(samples[:, 0] * np.hanning(len(samples))))
    assert np.argmax(spectrum) * media.RATE / len(samples) == pytest.approx(440, abs=3)
    assert np.abs(samples[:, 1]).max() == pytest.approx(np.abs(samples[:, 0]).max() / 3, rel=0.15)


def test_scenes_take_its_pictures_and_its_sound(short: Path, numbered: Path) -> None:
    scene = lk.Compositor(media.WIDTH, media.HEIGHT)
    assert scene.add(lk.Player(short)).audio is not None
    assert scene.add(lk.Player(short), audio=False).audio is None
    assert scene.add(lk.Player(short, play_audio=False)).audio is None
    assert scene.add(lk.Player(numbered)).audio is None
    assert scene.audio.add(lk.Player(short)).name == "short.mp4"
    with pytest.raises(lk.MediaError, match="no sound"):
        scene.audio.add(lk.Player(numbered))


def test_sound_alone_and_pictures_alone(short: Path, noise_sounds: tuple[Path, Path]) -> None:
    sound = lk.Player(short, play_video=False, audio_device_id=-74)
    assert sound.pull()[0] is None
    sound.start()
    channel = lk.AudioPort(-74)
    until(lambda: loudness(channel) > 0.1)
    noise = lk.Player(noise_sounds[0])
    assert (noise.video_size(), noise.get_duration()) == ((0, 0), 2_000_000)
    with pytest.raises(lk.ParameterError, match="neither"):
        lk.Player(short, False, False)


# ---- Life ----------------------------------------------------------------------------------------------------


def test_events_tell_how_it_stands(short: Path) -> None:
    player = lk.Player(short)
    ended, heard = threading.Event(), list[tuple[str, str]]()

    def hear(event: lk.Event) -> None:
        heard.append((event.kind, event.new))
        if event.new == "ended":
            ended.set()

    off = player.on("source_state", hear)
    events = player.events()
    player.rate = 4.0
    player.start()
    assert ended.wait(PATIENCE)
    assert ("source_state", "ended") in heard
    event = next(events)
    assert (event.kind, event.source) == ("source_state", "short.mp4")
    off()
    with pytest.raises(lk.ParameterError, match="no events of kind"):
        player.on("nothing", hear)  # type: ignore[arg-type]


def test_waiting_has_an_end(short: Path) -> None:
    player = lk.Player(short)
    assert player.wait(0) is False
    assert player.wait(0.05) is False
    for wrong in (-1.0, float("nan")):
        with pytest.raises(lk.ParameterError, match="timeout"):
            player.wait(wrong)


def test_once_closed_it_is_closed(short: Path) -> None:
    port, channel = lk.VideoPort(), lk.AudioPort(-75)
    with lk.Player(short, audio_device_id=-75, loop=True) as player:
        player.add_target(port)
        player.start()
        until(lambda: (shown(port) or 0) > 2 and loudness(channel) > 0.1)
    number = shown(port)
    assert loudness(channel) == 0
    time.sleep(0.1)
    assert shown(port) == number
    assert (player.state, player.error) == ("closed", None)
    assert player.statistics().published > 2
    player.close()
    uses: list[Callable[[], object]] = [
        player.start,
        player.stop,
        player.wait,
        player.is_playing,
        player.video_size,
        lambda: player.add_target(port),
        lambda: player.loop,
        player.__enter__,
    ]
    for use in uses:
        with pytest.raises(lk.ClosedError, match="closed"):
            use()


def test_closing_wakes_those_who_wait(short: Path) -> None:
    player, raised = lk.Player(short), list[type[BaseException]]()

    def wait() -> None:
        try:
            player.wait()
        except lk.ClosedError as error:
            raised.append(type(error))

    thread = threading.Thread(target=wait)
    thread.start()
    time.sleep(0.05)
    player.close()
    thread.join(PATIENCE)
    assert raised == [lk.ClosedError]


def test_wrong_arguments(short: Path, tmp_path: Path) -> None:
    text = tmp_path / "text.mp4"
    text.write_text("no media\n")
    with pytest.raises(lk.MediaNotFoundError):
        lk.Player(tmp_path / "missing.mp4")
    with pytest.raises(lk.MediaError):
        lk.Player(text)
    for rate in (0.0, -1.0, 65.0, float("nan")):
        with pytest.raises(lk.ParameterError, match="rate"):
            lk.Player(short, rate=rate)
    with pytest.raises(lk.ParameterError, match="timeout"):
        lk.Player(short, timeout=0)
    player = lk.Player(short)
    with pytest.raises(lk.ParameterError, match="rate"):
        player.rate = 0
    with pytest.raises(lk.ParameterError, match="gain"):
        player.gain = 100
    with pytest.raises(TypeError):
        player.set_position("0:10")  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        lk.Player(short, True, True, 0, True)  # type: ignore[call-arg]


def test_ctrl_c_ends_waiting(short: Path) -> None:
    done = programs.run(
        """
        import os, signal, sys, threading
        import LiveKit as lk

        player = lk.Player(sys.argv[1])
        threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
        try:
            player.wait()
        except KeyboardInterrupt:
            print("interrupted")
        """,
        str(short),
    )
    assert done.stdout == "interrupted\n"


# ---- Targets of one's own ------------------------------------------------------------------------------------


def test_a_target_needs_a_push() -> None:
    class Nothing(lk.VideoTarget):
        pass

    with pytest.raises(TypeError, match="push"):
        Nothing()  # type: ignore[abstract]
    assert isinstance(lk.VideoPort(), lk.VideoTarget)
    assert isinstance(Numbers(), lk.VideoTarget)
    null = lk.NullTarget("bgr24")
    null.push(np.zeros((4, 6, 3), np.uint8))
    latest = null.latest()
    assert latest is not None
    assert (null.frames, latest.size) == (1, (6, 4))


def test_a_target_that_is_added_twice_is_one(short: Path) -> None:
    player, numbers = lk.Player(short), Numbers()
    player.add_target(numbers)
    player.add_target(numbers)
    player.start()
    assert player.wait(PATIENCE)
    until(lambda: numbers.seen[-1:] == [FRAMES - 1])
    assert numbers.seen.count(FRAMES - 1) == 1


def test_a_target_belongs_to_those_who_write_to_it(short: Path) -> None:
    player, numbers = lk.Player(short), Numbers()
    player.add_target(numbers)
    seen, gone = numbers.seen, weakref.ref(numbers)
    del numbers
    gc.collect()
    player.start()
    until(lambda: len(seen) > 5)
    target = gone()
    assert target is not None
    player.remove_target(target)
    del target
    until(lambda: gc.collect() >= 0 and gone() is None, "its end")


def test_a_push_that_raises_is_an_event_and_harms_nobody(short: Path, caplog: Any) -> None:
    class Broken(lk.VideoTarget):
        calls = 0

        def push(self, array: Any, is_flipped: bool = False) -> None:
            self.calls += 1
            if self.calls == 3:
                raise RuntimeError("no more")

    player, port, broken, told = lk.Player(short, loop=True), lk.VideoPort(), Broken(), threading.Event()
    reasons: list[str | None] = []

    def hear(event: lk.Event) -> None:
        reasons.append(event.reason)
        told.set()

    player.on("target_state", hear)
    player.add_target(broken)
    player.add_target(port)
    player.start()
    assert told.wait(PATIENCE)
    assert reasons[0] is not None
    assert "no more" in reasons[0]
    number = shown(port)
    until(lambda: shown(port) != number, "another picture")
    assert (broken.calls, player.error) == (3, None)


def test_a_push_that_sleeps_holds_nobody_up(short: Path) -> None:
    class Slow(lk.VideoTarget):
        calls = 0

        def push(self, array: Any, is_flipped: bool = False) -> None:
            self.calls += 1
            awake.wait(PATIENCE)

    awake = threading.Event()
    player, slow, null = lk.Player(short, rate=4.0, loop=True), Slow(), lk.NullTarget("bgr24")
    player.add_target(slow)
    player.add_target(null)
    player.start()
    until(lambda: null.frames > 100)
    assert slow.calls == 1
    player.stop()
    awake.set()
    until(lambda: slow.calls > 1)
    time.sleep(0.2)
    assert slow.calls <= 1 + 8 + 1, "eight wait at most, and the one it stands at"


def test_a_render_waits_for_a_target(short: Path) -> None:
    class Thorough(Numbers):
        def push(self, array: Any, is_flipped: bool = False) -> None:
            time.sleep(0.002)
            super().push(array, is_flipped)

    scene, target, added = lk.Compositor(media.WIDTH, media.HEIGHT, fps=30), Thorough(), Numbers()
    scene.add(lk.LazyPlayer(short))
    scene.add_target(added)
    for _ in range(2):
        scene.render(target, frames=FRAMES)
        assert (target.seen, added.seen) == (list(range(FRAMES)),) * 2
        target.seen.clear()
        added.seen.clear()


def test_a_render_raises_what_a_target_raises(short: Path) -> None:
    class Broken(Numbers):
        def push(self, array: Any, is_flipped: bool = False) -> None:
            super().push(array, is_flipped)
            if len(self.seen) == 5:
                raise ValueError("five are enough")

    scene, target = lk.Compositor(media.WIDTH, media.HEIGHT, fps=30), Broken()
    scene.add(lk.LazyPlayer(short))
    with pytest.raises(lk.CallbackError, match="five are enough") as caught:
        scene.render(target, frames=20)
    assert isinstance(caught.value.__cause__, ValueError)
    assert target.seen == [0, 1, 2, 3, 4]
    # with another run it starts afresh
    target.seen = [0] * 5
    scene.render(target, frames=3)
    assert target.seen[5:] == [0, 1, 2]


def test_transparent_pictures_are_bgra() -> None:
    arrays: list[Any] = []

    class Keeps(lk.VideoTarget):
        def push(self, array: Any, is_flipped: bool = False) -> None:
            arrays.append(array)

    scene = lk.Compositor(4, 2, background="#20304080")
    scene.render(Keeps(), frames=1)
    assert arrays[0].shape == (2, 4, 4)
    assert arrays[0][0, 0].tolist() == [0x40, 0x30, 0x20, 0x80]


# ---- Programs ------------------------------------------------------------------------------------------------

ENDS = {
    "while it plays": "player.start()",
    "with everything connected": """
player.set_audio_device(-1)
port, scene = lk.VideoPort(), lk.Compositor(64, 48)
player.add_target(port)
scene.add(port), scene.add(player), scene.audio.add(player)
player.start()
""",
    "with a target at work": """
class Slow(lk.VideoTarget):
    def push(self, array, is_flipped=False):
        time.sleep(0.5)
player.add_target(Slow())
player.start()
time.sleep(0.3)
""",
    "in a cycle": """
class Node: pass
node = Node()
node.player, node.me = player, node
player.start()
del player, node
""",
    "on a daemon thread that waits": """
import threading
threading.Thread(target=player.wait, daemon=True).start()
player.start()
time.sleep(0.1)
""",
    "in the loops of 2020": """
port = lk.VideoPort()
player.add_target(port)
player.start()
while player.get_position() < 500000:
    port.pull()
player = None
while port.pull()[0] is None: pass
""",
}


@pytest.mark.parametrize("program", ENDS.values(), ids=ENDS.keys())
@pytest.mark.parametrize("end", ["", "sys.exit(0)"])
def test_the_program_ends_in_the_middle(short: Path, program: str, end: str) -> None:
    start = "import sys, time\nimport LiveKit as lk\nplayer = lk.Player(sys.argv[1], loop=True)\n"
    done = programs.run(f"{start}{program}\nprint('end')\n{end}\n", str(short))
    assert done.stdout == "end\n"
    assert "Traceback" not in done.stderr, done.stderr


def test_after_a_fork_the_parent_plays_on(short: Path) -> None:
    done = programs.run(
        """
        import os, signal, sys
        import LiveKit as lk

        player, port = lk.Player(sys.argv[1], audio_device_id=-1, loop=True), lk.VideoPort()
        player.add_target(port)
        player.start()
        child = os.fork()
        if child == 0:
            signal.alarm(20)
            for use in (player.start, player.wait, player.close, player.is_playing, lambda: player.add_target(port)):
                try:
                    use()
                except lk.ClosedError:
                    continue
                os._exit(3)
            del player, port
            mine = lk.Player(sys.argv[1], rate=8.0)
            mine.start()
            mine.wait()
            sys.exit(0)
        _, status = os.waitpid(child, 0)
        before = player.statistics().published
        while player.statistics().published < before + 10:
            pass
        print("child", os.waitstatus_to_exitcode(status))
        """,
        str(short),
    )
    assert done.stdout == "child 0\n", done.stderr
