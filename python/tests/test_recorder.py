# SPDX-License-Identifier: GPL-2.0-or-later
"""Recorders, in the form of 2020 and in the new one: what happened is in the file, however it ends."""

from __future__ import annotations

import gc
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import LiveKit as lk
import media
import numpy as np
import pytest

PATIENCE = 60  # seconds until something hanging counts as a failure; no measure of speed
SIZE = (media.WIDTH, media.HEIGHT)


def until(true: Callable[[], object], what: str = "it") -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, f"{what} did not happen"
        time.sleep(0.01)


def recorded(recorder: lk.Recorder, frames: int) -> None:
    """Waits until so many frames are in it."""
    until(lambda: recorder.statistics().duration * (recorder.fps or 1) >= frames, f"frame {frames}")


def steps(path: Path) -> list[int]:
    """How the numbers in a file go on from one picture to the next."""
    return [b - a for a, b in pairwise(media.decoded_numbers(path))]


def check(report: lk.RecordingReport, path: Path) -> None:
    """Every frame that is counted is in the file, at its place."""
    counts = report.statistics
    assert (report.frames, report.repeated) == (counts.frames, counts.repeated)
    assert report.bytes == path.stat().st_size
    times = media.frame_times(path)
    # frames that are held are not in the file: the one before lasts longer
    assert len(times) == report.frames + report.repeated - counts.held
    if path.suffix in (".mp4", ".mov"):
        assert not media.is_fragmented(path)


def tones(samples: media.Samples) -> float:
    """The loudest frequency in Hz of the middle of a sound."""
    middle = samples[len(samples) // 3 : 2 * len(samples) // 3, 0]
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle))))
    return float(np.argmax(spectrum) * media.RATE / len(middle))


def sound_of_track(path: Path, track: int) -> media.Samples:
    raw = media.ffmpeg("-i", path, "-map", f"0:a:{track}", "-f", "f32le", "-ac", "2", "-ar", "48000", "-")
    return np.frombuffer(raw, np.float32).reshape(-1, 2)


class Feeder:
    """Keeps a tone sounding in a port."""

    def __init__(self, port: lk.AudioPort, hertz: float) -> None:
        self._stop = threading.Event()
        self._port, self._wave = port, media.tone(10, hertz)
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        at = 0
        while not self._stop.is_set():
            at += self._port.push(self._wave[at : at + 4800])
            at %= len(self._wave) - 4800
            time.sleep(0.01)

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()


@pytest.fixture
def feeders() -> Iterator[list[Feeder]]:
    started: list[Feeder] = []
    yield started
    for feeder in started:
        feeder.stop()


# ---- The form of 2020 ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("mp4", [True, False])
def test_player_port_recorder(numbered: Path, tmp_path: Path, mp4: bool) -> None:
    path = tmp_path / ("out.mp4" if mp4 else "out.flv")
    player, port = lk.Player(str(numbered)), lk.VideoPort()
    player.add_target(port)
    recorder = lk.Recorder(str(path), mp4, *SIZE)
    assert (recorder.video_size, recorder.fps, recorder.state) == (SIZE, 30, "ready")
    recorder.set_source(port)
    player.start()
    recorder.start()
    assert recorder.is_recording()
    recorded(recorder, 45)
    report = recorder.stop()
    assert (recorder.state, recorder.is_recording(), recorder.error) == ("stopped", False, None)
    assert (report.format, report.warning) == ("mp4" if mp4 else "flv", None)
    check(report, path)
    video = media.stream(path, "video")
    assert (video["codec_name"], video["width"], video["height"]) == ("h264", *SIZE)
    numbers = media.decoded_numbers(path)
    assert len(numbers) >= 45
    assert numbers == sorted(numbers)
    # each picture once where the machine kept up; what it missed is counted
    assert sum(b - a != 1 for a, b in pairwise(numbers)) <= 2 * report.repeated + 2
    assert all(s["codec_type"] == "video" for s in media.probe(path)["streams"])


def test_odd_sizes_become_even(tmp_path: Path) -> None:
    recorder = lk.Recorder(tmp_path / "odd.mp4", True, 65, 49)
    assert recorder.video_size == (64, 48)
    with pytest.raises(lk.LiveKitError, match=r"even|66"):
        lk.Recorder(tmp_path / "odd.mp4", video_width=65, video_height=49)


def test_a_channel_is_recorded(clip_with_sound: Path, tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    player, port = lk.Player(clip_with_sound, True, True, -81), lk.VideoPort()
    player.add_target(port)
    recorder = lk.Recorder(path, True, *SIZE, True, -81)
    recorder.set_source(port)
    player.start()
    recorder.start()
    recorded(recorder, 60)
    report = recorder.stop()
    check(report, path)
    (track,) = report.statistics.tracks
    assert (track.encoder, track.name) == ("aac", "") or track.encoder == "aac"
    assert tones(media.decoded_sound(path)) == pytest.approx(440, abs=3)
    assert len(media.decoded_sound(path)) == pytest.approx(report.duration * media.RATE, abs=2048)


def test_devices_need_a_sound_server(tmp_path: Path) -> None:
    several: list[dict[str, Any]] = [
        {"record_audio": True},
        {"record_audio": True, "audio_device_id": 2},
        {"audio": 0},
    ]
    for arguments in several:
        with pytest.raises(lk.DeviceError, match=r"no sound server.*pipewire-pulse"):
            lk.Recorder(tmp_path / "out.mp4", True, 64, 48, **arguments)
    assert not (tmp_path / "out.mp4").exists()


def test_the_source_may_come_after_the_start(tmp_path: Path) -> None:
    path, port = tmp_path / "out.mkv", lk.VideoPort()
    port.push(media.numbered_picture(7)[..., None].repeat(3, 2))
    recorder = lk.Recorder(path, None, *SIZE)
    assert "ready" in repr(recorder)
    recorder.set_source(lk.VideoPort())
    recorder.set_source(None)
    recorder.start()
    recorder.set_source(port)
    recorded(recorder, 5)
    with pytest.raises(lk.BusyError, match="exchanged"):
        recorder.set_source(lk.VideoPort())
    with pytest.raises(lk.BusyError, match="exchanged"):
        recorder.set_source(None)
    recorder.stop()
    assert set(media.decoded_numbers(path)) == {7}
    with pytest.raises(lk.ClosedError):
        recorder.set_source(port)
    with pytest.raises(lk.ClosedError):
        recorder.start()


# ---- The new form --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fps", ["25", "30000/1001"])
def test_a_scene_is_recorded_tick_by_tick(clip_with_sound: Path, tmp_path: Path, fps: str) -> None:
    scene = lk.Compositor(*SIZE, fps=fps)
    scene.add(lk.Player(clip_with_sound))
    path = tmp_path / "show.mp4"
    with lk.Recorder(path, source=scene) as recorder:
        assert recorder.video_size == SIZE
        assert recorder.fps == pytest.approx(scene.fps)
        recorded(recorder, 50)
    report = recorder.stop()
    check(report, path)
    assert media.stream(path, "video")["r_frame_rate"] in (f"{fps}/1", fps)
    numbers = media.decoded_numbers(path)
    assert numbers == sorted(numbers)
    assert numbers[-1] > 30
    sound = media.decoded_sound(path)
    assert tones(sound) == pytest.approx(440, abs=3)
    assert len(sound) == pytest.approx(report.duration * media.RATE, abs=2048)
    assert report.video_encoder == "libx264"


def test_a_recorder_of_another_size_and_rate(tmp_path: Path) -> None:
    scene = lk.Compositor(64, 48, fps=60)
    scene.add(lk.TestPattern(64, 48))
    path = tmp_path / "small.mp4"
    with lk.Recorder(path, True, 32, 24, source=scene, fps=15) as recorder:
        recorded(recorder, 20)
    report = recorder.stop()
    check(report, path)
    (track,) = report.statistics.tracks
    assert track.silent < track.samples / 2, "the mix is heard"
    video = media.stream(path, "video")
    assert (video["width"], video["height"], video["r_frame_rate"]) == (32, 24, "15/1")


def test_a_player_is_recorded_with_its_sound(clip_with_sound: Path, numbered: Path, tmp_path: Path) -> None:
    path = tmp_path / "out.mkv"
    player = lk.Player(clip_with_sound)
    with lk.Recorder(path, source=player) as recorder:  # which nobody has started
        recorded(recorder, 45)
    check(recorder.stop(), path)
    assert recorder.video_size == SIZE
    numbers = media.decoded_numbers(path)
    assert numbers[0] == 0
    assert numbers == sorted(numbers)
    assert tones(media.decoded_sound(path)) == pytest.approx(440, abs=3)
    silent = lk.Recorder(tmp_path / "silent.mkv", source=lk.Player(numbered))
    assert silent.statistics().tracks == ()
    deaf = lk.Recorder(tmp_path / "deaf.mkv", source=player, audio=None)
    assert deaf.statistics().tracks == ()


@pytest.mark.parametrize("of", ["scene", "player"])
def test_several_tracks(clip_with_sound: Path, tmp_path: Path, feeders: list[Feeder], of: str) -> None:
    port, path = lk.AudioPort(), tmp_path / "tracks.mkv"
    feeders += [Feeder(port, 1000), Feeder(lk.AudioPort(-82), 2000)]
    player = lk.Player(clip_with_sound)
    scene = lk.Compositor(*SIZE, fps=30)
    scene.add(player)
    source: Any = scene if of == "scene" else player
    with lk.Recorder(
        path, source=source, audio=["source", port, -82, player], audio_codec="flac"
    ) as recorder:
        recorded(recorder, 60)
    report = recorder.stop()
    check(report, path)
    assert [t.encoder for t in report.statistics.tracks] == ["flac"] * 4
    assert [t.name for t in report.statistics.tracks][1:] == [
        "an audio port",
        "audio channel -82",
        player.name,
    ]
    for track, hertz in enumerate((440, 1000, 2000, 440)):
        sound = sound_of_track(path, track)
        assert tones(sound) == pytest.approx(hertz, abs=4)
        assert len(sound) == pytest.approx(report.duration * media.RATE, abs=4800)


def test_sound_alone(tmp_path: Path, feeders: list[Feeder]) -> None:
    port, path = lk.AudioPort(), tmp_path / "sound.flac"
    feeders.append(Feeder(port, 700))
    recorder = lk.Recorder(path, audio=port)
    assert (recorder.video_size, recorder.fps) == (None, None)
    recorder.start()
    until(lambda: recorder.statistics().duration > 1.0)
    report = recorder.stop()
    assert report.video_encoder is None
    assert tones(media.decoded_sound(path)) == pytest.approx(700, abs=3)


def test_pauses_are_cut_out(numbered: Path, tmp_path: Path) -> None:
    path = tmp_path / "cut.mp4"
    scene = lk.Compositor(*SIZE, fps=30)
    scene.add(lk.Player(numbered))
    states: list[str] = []
    stopped = threading.Event()

    def hear(event: lk.Event) -> None:
        states.append(event.new)
        if event.new == "stopped":
            stopped.set()

    recorder = lk.Recorder(path, source=scene)
    recorder.on("recorder_state", hear)
    recorder.start()
    recorded(recorder, 10)
    recorder.pause()
    assert (recorder.state, recorder.is_recording()) == ("paused", False)
    recorder.pause()
    before = recorder.statistics()
    time.sleep(0.5)
    after = recorder.statistics()
    assert after.duration == before.duration
    recorder.resume()
    recorder.resume()
    recorded(recorder, round(after.duration * 30) + 10)
    report = recorder.stop()
    assert stopped.wait(PATIENCE)
    assert states == ["recording", "paused", "recording", "finalising", "stopped"]
    check(report, path)
    numbers = media.decoded_numbers(path)
    cut = max(b - a for a, b in pairwise(numbers))
    assert cut >= 12, "what happened in the pause is not in it"
    assert len(numbers) < numbers[-1] - numbers[0]


def test_the_size_of_a_source_is_waited_for(tmp_path: Path) -> None:
    port = lk.VideoPort()
    timer = threading.Timer(0.3, lambda: port.push(np.zeros((48, 64, 3), np.uint8)))
    timer.start()
    recorder = lk.Recorder(tmp_path / "out.mp4", source=port)
    timer.join()
    assert recorder.video_size == (64, 48)
    function = lk.FunctionSource(lambda t: np.zeros((24, 32, 3), np.uint8), format="rgb24")
    assert lk.Recorder(tmp_path / "out2.mp4", source=function).video_size == (32, 24)
    with pytest.raises(lk.DeadlineError, match="video_width"):
        lk.Recorder(tmp_path / "out3.mp4", source=lk.VideoPort())
    assert not (tmp_path / "out3.mp4").exists()


def test_options_find_their_place(tmp_path: Path) -> None:
    path = tmp_path / "out.mov"
    scene = lk.Compositor(64, 48, fps=25)
    options = {"preset": "ultrafast", "g": 5, "b:a": "64k", "metadata": "x"}
    with pytest.raises(lk.EncoderError, match="metadata"):
        lk.Recorder(path, source=scene, options=options)
    del options["metadata"]
    recorder = lk.Recorder(path, source=scene, options=options, video_codec="libx264", quality=30)
    recorder.start()
    recorded(recorder, 12)
    report = recorder.stop()
    assert report.format == "mov"
    keys = media.run("ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", "packet=flags",
                     "-of", "csv=p=0", path).decode().split()  # fmt: skip
    assert [key.startswith("K") for key in keys[:11]] == [n % 5 == 0 for n in range(11)]


def test_nothing_recorded_is_no_file(tmp_path: Path) -> None:
    path = tmp_path / "nothing.mp4"
    recorder = lk.Recorder(path, True, 64, 48)
    recorder.set_source(lk.VideoPort())
    recorder.start()
    report = recorder.stop()
    assert (report.frames, report.bytes, report.duration) == (0, 0, 0.0)
    assert recorder.stop() == report
    assert not path.exists()
    lk.Recorder(path, True, 64, 48)
    gc.collect()
    assert not path.exists()


def test_scenes_are_exchanged(tmp_path: Path) -> None:
    path = tmp_path / "out.mkv"
    scenes = [lk.Compositor(*SIZE, fps=30) for _ in range(2)]
    for number, scene in enumerate(scenes):
        picture = media.numbered_picture(number + 1)[..., None].repeat(3, 2)
        scene.add(lk.Frame.from_ndarray(picture, "rgb24"))
    recorder = lk.Recorder(path, source=scenes[0])
    recorder.start()
    recorded(recorder, 10)
    recorder.set_source(scenes[1])
    recorded(recorder, round(recorder.statistics().duration * 30) + 10)
    recorder.set_source(scenes[1])
    recorded(recorder, round(recorder.statistics().duration * 30) + 10)
    with pytest.raises(lk.LiveKitError):
        recorder.set_source(lk.VideoPort())
    report = recorder.stop()
    check(report, path)
    numbers = media.decoded_numbers(path)
    assert numbers == sorted(numbers)
    assert set(numbers) == {1, 2}
    (track,) = report.statistics.tracks
    assert track.samples == pytest.approx(report.duration * media.RATE, abs=2048)


# ---- What goes wrong -----------------------------------------------------------------------------------------


def test_wrong_arguments(numbered: Path, clip_with_sound: Path, tmp_path: Path) -> None:
    out, scene = tmp_path / "out.mp4", lk.Compositor(64, 48)
    wrong: list[tuple[type[Exception], str, dict[str, Any]]] = [
        (lk.ParameterError, "what it records", {}),
        (lk.ParameterError, "one side", {"video_width": 64}),
        (lk.ParameterError, "both name a container", {"mp4": True, "format": "mkv", "source": scene}),
        (lk.ParameterError, "both say", {"record_audio": True, "audio": -1, "source": scene}),
        (lk.FormatError, "not a source", {"source": np.zeros((4, 4, 3), np.uint8)}),
        (lk.FormatError, "file name", {"source": 42}),
        (lk.MediaNotFoundError, "missing", {"source": "missing.mp4"}),
        (lk.MediaNotFoundError, "missing", {"source": scene, "audio": "missing.wav"}),
        (lk.MediaError, "no sound", {"source": numbered, "audio": ["source"]}),
        (lk.MediaError, "nothing", {"mp4": True, "video_width": 64, "video_height": 48, "audio": ["source"]}),
        (lk.EncoderError, "nonsense", {"source": scene, "video_codec": "nonsense"}),
        (lk.EncoderError, "nonsense", {"source": scene, "audio_codec": "nonsense"}),
        (lk.EncoderError, "nonsense", {"source": scene, "format": "nonsense"}),
        (lk.EncoderError, "nonsense", {"source": scene, "options": {"nonsense": 1}}),
        (lk.ParameterError, "None", {"source": scene, "options": {"g": None}}),
        (lk.ParameterError, "quality", {"source": scene, "quality": 77}),
        (lk.ParameterError, "bitrate", {"source": scene, "bitrate": -1}),
        (lk.ParameterError, "rate", {"source": scene, "fps": -1}),
        (TypeError, "options", {"source": scene, "options": []}),
    ]
    for kind, match, arguments in wrong:
        with pytest.raises(kind, match=match):
            lk.Recorder(out, **arguments)
    assert not out.exists()
    with pytest.raises(lk.OutputError):
        lk.Recorder(tmp_path / "no" / "folder.mp4", source=scene)
    out.write_bytes(b"mine")
    with pytest.raises(lk.OutputError):
        lk.Recorder(out, source=scene, overwrite=False)
    assert out.read_bytes() == b"mine"


def test_what_is_read_is_not_overwritten(clip_with_sound: Path, tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(clip_with_sound.read_bytes())
    scene = lk.Compositor(64, 48)
    scene.add(lk.Player(clip))
    several: list[dict[str, Any]] = [
        {"source": scene},
        {"source": lk.Player(clip)},
        {"source": lk.Compositor(64, 48), "audio": lk.Player(clip)},
    ]
    for arguments in several:
        with pytest.raises(lk.ParameterError, match="overwritten"):
            lk.Recorder(clip, **arguments)
    assert clip.read_bytes() == clip_with_sound.read_bytes()


def test_one_recorder_a_file(tmp_path: Path) -> None:
    """A second one would write into the file of the first; a recorder that is made anew is stopped first."""
    path, scene = tmp_path / "out.mp4", lk.Compositor(64, 48)
    recorder = lk.Recorder(path, source=scene)
    recorder.start()
    recorded(recorder, 5)
    with pytest.raises(lk.BusyError, match="another recorder"):
        lk.Recorder(tmp_path / "." / "out.mp4", source=scene)
    recorder.stop()
    again = lk.Recorder(path, source=scene)
    again.start()
    recorded(again, 5)
    check(again.stop(), path)
    lk.Recorder(path, source=scene)  # which is gone at once, and so is the file
    assert not path.exists()
    lk.Recorder(os.devnull, source=scene, format="mp4").start()
    lk.Recorder(os.devnull, source=scene, format="mp4").start()


def test_the_end_of_a_recording_is_no_failure_of_a_scene(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    scene = lk.Compositor(64, 48, fps=60)
    events: list[lk.Event] = []
    scene.on("target_state", events.append)
    for count in range(5):
        recorder = lk.Recorder(tmp_path / f"{count}.mp4", source=scene)
        recorder.start()
        recorded(recorder, 5)
        if count % 2:
            recorder.stop()
        del recorder
        gc.collect()
    time.sleep(0.2)
    assert [event for event in events if event.new == "failed"] == []
    assert "takes no more" not in caplog.text


def test_a_source_that_sleeps_holds_nobody_up(tmp_path: Path) -> None:
    awake = threading.Event()

    def picture(t: float) -> Any:
        if not calls:
            calls.append(t)
            return np.zeros((48, 64, 3), np.uint8)
        awake.wait(PATIENCE)
        return None

    calls: list[float] = []
    path = tmp_path / "out.mp4"
    recorder = lk.Recorder(path, source=lk.FunctionSource(picture, format="rgb24"))
    recorder.start()
    recorded(recorder, 30)
    report = recorder.stop()
    awake.set()
    check(report, path)
    assert report.duration >= 1


def test_a_callback_that_sleeps_holds_nobody_up(tmp_path: Path) -> None:
    awake, called = threading.Event(), threading.Event()

    def sleep(event: lk.Event) -> None:
        called.set()
        awake.wait(PATIENCE)

    scene, path = lk.Compositor(64, 48, fps=30), tmp_path / "out.mp4"
    recorder = lk.Recorder(path, source=scene)
    recorder.on("*", sleep)
    recorder.start()
    assert called.wait(PATIENCE)
    recorded(recorder, 20)
    report = recorder.stop()
    awake.set()
    check(report, path)


def test_it_is_stopped_by_a_callback(tmp_path: Path) -> None:
    scene, path = lk.Compositor(64, 48, fps=30), tmp_path / "out.mp4"
    recorder, reports, done = lk.Recorder(path, source=scene), list[lk.RecordingReport](), threading.Event()

    def stop(event: lk.Event) -> None:
        if event.new == "paused":
            reports.append(recorder.stop())
            done.set()

    recorder.on("recorder_state", stop)
    recorder.start()
    recorded(recorder, 5)
    recorder.pause()
    assert done.wait(PATIENCE)
    assert recorder.stop() == reports[0]
    check(reports[0], path)


def test_several_threads_stop_it(tmp_path: Path) -> None:
    scene = lk.Compositor(64, 48, fps=30)
    recorder = lk.Recorder(tmp_path / "out.mp4", source=scene)
    recorder.start()
    recorded(recorder, 5)
    reports: list[lk.RecordingReport] = []
    threads = [threading.Thread(target=lambda: reports.append(recorder.stop())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert reports == [reports[0]] * 4


def test_an_exception_in_the_block_is_the_one_that_is_raised(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    recorder = lk.Recorder(path, source=lk.Compositor(64, 48))

    def fail() -> None:
        with recorder:
            recorded(recorder, 5)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    check(recorder.stop(), path)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.geteuid() != 0:
        pytest.skip("a small file system can be mounted by root only")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip(f"a small file system cannot be mounted here: {mounted.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=False)


def test_a_full_disk(small_disk: Path, tmp_path: Path) -> None:
    def noise(t: float) -> Any:
        return rng.integers(0, 255, (240, 320, 3), np.uint8)

    rng = np.random.default_rng(3)
    scene, path, other = lk.Compositor(320, 240, fps=30), small_disk / "out.mp4", tmp_path / "out.mp4"
    scene.add(lk.FunctionSource(noise, format="rgb24"))
    failed = threading.Event()
    recorder, second = lk.Recorder(path, source=scene), lk.Recorder(other, source=scene)
    recorder.on("recorder_state", lambda event: failed.set() if event.new == "failed" else None)
    second.start()
    recorder.start()
    assert failed.wait(PATIENCE)
    assert recorder.state == "failed"
    assert isinstance(recorder.error, lk.DiskFullError)
    recorded(second, round(second.statistics().duration * 30) + 10)
    with pytest.raises(lk.DiskFullError):
        recorder.stop()
    with pytest.raises(lk.DiskFullError):
        recorder.stop()
    assert len(media.frame_times(path)) > 0, "what was written plays"
    check(second.stop(), other)
