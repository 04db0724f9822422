# SPDX-License-Identifier: GPL-2.0-or-later
"""The mixer: balance, mixes, limiter, monitor, meters, playing to targets."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import LiveKit as lk
import media
import numpy as np
import pytest
from media import RATE, Samples

SIZE = (32, 32)
PATIENCE = 60  # seconds until something hanging counts as a failure; no measure of speed


@pytest.fixture
def scene() -> Iterator[lk.Compositor]:
    scene = lk.Compositor(*SIZE, fps=50)
    yield scene
    scene.stop()


@pytest.fixture
def sound(folder: Path) -> tuple[Path, Samples]:
    """Two seconds of another tone on either side, and its samples."""
    path = folder / "stereo.wav"
    if not path.exists():
        sides = [media.tone(2, hertz)[:, :1] for hertz in (440, 1000)]
        media.write_sound(path, np.concatenate(sides, axis=1))
    return path, media.decoded_sound(path)


def rendered(scene: lk.Compositor, out: Path, seconds: float = 1) -> Samples:
    scene.render(out, seconds=seconds, audio_codec="pcm_f32le")
    return media.decoded_sound(out)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int16"])
def test_an_array_is_a_sound(scene: lk.Compositor, tmp_path: Path, dtype: str) -> None:
    noise = np.random.default_rng(3).uniform(-0.5, 0.5, (RATE, 2)).astype(np.float32)
    given: Any = (noise * 32768).round().astype(np.int16) if dtype == "int16" else noise.astype(dtype)
    scene.audio.add(given, gain=20 * math.log10(0.5))
    given[:] = 0  # it was copied
    heard = rendered(scene, tmp_path / "a.wav", seconds=1.5)
    assert np.abs(heard[:RATE] - noise / 2).max() < 2e-5
    assert not heard[RATE:].any()


def test_an_array_of_one_side_loops_and_says_how_long_it_is(scene: lk.Compositor, tmp_path: Path) -> None:
    tone = media.tone(0.1, 440)[:, 0]
    scene.audio.add(tone, loop=True)
    heard = rendered(scene, tmp_path / "a.wav")
    for side in heard.T:
        assert np.abs(side - np.tile(tone, 10)).max() < 2e-5
    once = lk.Compositor(*SIZE, fps=50)
    once.audio.add(tone)
    assert once.render(tmp_path / "b.wav", audio_codec="pcm_f32le").frames == 5, "as long as its sound"


@pytest.mark.parametrize(
    "wrong", [np.zeros((4, 3), np.float32), np.zeros(4, np.uint8), np.zeros(0, np.float32), b"a.wav"]
)
def test_what_is_no_sound_is_refused(scene: lk.Compositor, wrong: Any) -> None:
    with pytest.raises(lk.FormatError):
        scene.audio.add(wrong)
    assert scene.audio.inputs == []


def test_an_array_is_heard_live(scene: lk.Compositor, tmp_path: Path) -> None:
    scene.audio.add(np.full((RATE, 2), 0.25, np.float32))
    with scene, lk.Recorder(tmp_path / "live.mkv", source=scene, audio_codec="pcm_f32le"):
        scene.run(seconds=0.5)
    heard = media.decoded_sound(tmp_path / "live.mkv")
    assert np.abs(heard[2400:4800] - 0.25).max() < 1e-3


def until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.01)


class Feeder:
    """Keeps half a second of a tone in front of the present in a port."""

    def __init__(self, amplitude: float, hertz: float = 1000.0) -> None:
        self.port, self.place = lk.AudioPort(), 0
        self.amplitude, self.hertz = amplitude, hertz
        self.push()

    def push(self) -> None:
        count = min(self.port.room, 24_000)
        phase = 2 * np.pi * self.hertz * (self.place + np.arange(count)) / RATE
        self.place += self.port.push((self.amplitude * np.sin(phase)).astype(np.float32))


def fed(feeders: list[Feeder], condition: Callable[[], bool], what: str) -> None:
    def step() -> bool:
        for feeder in feeders:
            feeder.push()
        return condition()

    until(step, what)


def test_what_is_written_is_read(scene: lk.Compositor, sound: tuple[Path, Samples]) -> None:
    voice = scene.audio.add_mix("voice", gain=-3, limiter=True, ceiling=-6)
    given = scene.audio.add(
        sound[0], pan=-0.25, mono=True, mixes=("main", voice), monitor="on", solo=True, mute=True
    )
    assert (given.pan, given.mono, given.mixes, given.monitor) == (-0.25, True, ("main", "voice"), "on")
    assert (given.solo, given.mute) == (True, True)
    assert (voice.name, voice.gain, voice.mute, voice.limiter, voice.ceiling) == (
        "voice",
        -3,
        False,
        True,
        -6,
    )
    main = scene.audio
    assert (main.name, main.gain, main.mute, main.limiter, main.ceiling) == ("main", 0, False, False, -1)
    assert scene.audio.mixes == [scene.audio.mix("main"), voice]
    assert scene.audio.mix("voice") == voice != scene.audio.monitor
    assert scene.audio.inputs == [given]
    assert len({voice, scene.audio.mix("voice")}) == 1
    given.mixes = voice
    assert given.mixes == ("voice",)
    given.mixes = ["main"]
    given.pan, given.monitor, given.solo, given.mono = 1, "only", False, False
    assert (given.mixes, given.pan, given.monitor) == (("main",), 1.0, "only")
    voice.name = "talk"
    given.mixes = {"talk"}
    voice.remove()
    assert given.mixes == ()
    with pytest.raises(lk.SlotError):
        voice.gain = 0
    with pytest.raises(lk.SlotError):
        voice.play_to(lk.AudioPort())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("pan", 1.5),
        ("pan", math.nan),
        ("monitor", "loud"),
        ("mixes", "nothing"),
        ("mixes", ("main", "nothing")),
        ("mixes", "monitor"),
        ("mixes", 3),
        ("mixes", [3]),
    ],
)
def test_wrong_values_are_refused_with_what_is_allowed(
    scene: lk.Compositor, sound: tuple[Path, Samples], name: str, value: Any
) -> None:
    with pytest.raises(lk.ParameterError) as error:
        scene.audio.add(sound[0], **{name: value})
    assert error.value.hint
    given = scene.audio.add(sound[0])
    before = getattr(given, name)
    with pytest.raises(lk.ParameterError):
        setattr(given, name, value)
    assert getattr(given, name) == before


def test_mixes_that_cannot_be(scene: lk.Compositor) -> None:
    for call in (
        lambda: scene.audio.add_mix("main"),
        lambda: scene.audio.add_mix(""),
        lambda: scene.audio.add_mix("a", ceiling=1),
        lambda: scene.audio.mix("none"),
        lambda: scene.audio.remove(),
        lambda: scene.audio.monitor.remove(),
        lambda: scene.audio.play_to(1.5),  # type: ignore[arg-type]
        lambda: scene.audio.play_to(-(2**70)),
    ):
        with pytest.raises((lk.ParameterError, OverflowError)):
            call()
    other = lk.Compositor(*SIZE).audio.add_mix("voice")
    with pytest.raises(lk.ParameterError, match="another scene"):
        scene.audio.add(lk.AudioPort(), mixes=other)
    for n in range(2, 32):
        scene.audio.add_mix(str(n))
    with pytest.raises(lk.ParameterError):
        scene.audio.add_mix("one more")


def test_the_balance_and_mono(scene: lk.Compositor, sound: tuple[Path, Samples], tmp_path: Path) -> None:
    path, samples = sound
    given = scene.audio.add(path)
    for pan, (left, right) in {0.0: (1, 1), -1.0: (1, 0), 1.0: (0, 1), 0.5: (math.sqrt(0.5), 1)}.items():
        given.pan = pan
        expected = samples[:RATE] * np.array([left, right], np.float32)
        np.testing.assert_allclose(rendered(scene, tmp_path / "a.mkv"), expected, atol=1e-6)
    given.mono, given.pan = True, -1
    expected = samples[:RATE].mean(axis=1, keepdims=True) * np.array([1, 0], np.float32)
    np.testing.assert_allclose(rendered(scene, tmp_path / "b.mkv"), expected, atol=1e-6)


def test_the_limiter_holds_the_ceiling_and_moves_nothing(
    scene: lk.Compositor, sound: tuple[Path, Samples], tmp_path: Path
) -> None:
    path, samples = sound
    given = scene.audio.add(path)
    scene.audio.limiter = True
    np.testing.assert_array_equal(rendered(scene, tmp_path / "a.mkv", 2), samples)
    given.gain, scene.audio.ceiling = 24, -3
    loud = rendered(scene, tmp_path / "b.mkv", 2)
    ceiling = 10 ** (-3 / 20)
    assert np.abs(loud).max() <= ceiling
    assert np.abs(loud).max() > 0.97 * ceiling
    assert np.argmax(np.abs(loud[:48, 1])) == np.argmax(np.abs(samples[:48, 1]))
    np.testing.assert_array_equal(loud, rendered(scene, tmp_path / "c.mkv", 2))


def test_edits_of_a_batch_are_one_ramp_without_a_click(
    scene: lk.Compositor, sound: tuple[Path, Samples], tmp_path: Path
) -> None:
    path, samples = sound
    given = scene.audio.add(path)

    def picture(t: float) -> None:
        if abs(t - 0.5) < 0.001:
            with scene.batch():
                given.pan, given.gain, given.sync_offset = -1, -6, 0.05
                scene.audio.gain = -6

    scene.add(lk.FunctionSource(picture, format="rgb24"))
    result = rendered(scene, tmp_path / "out.mkv")
    half = RATE // 2
    np.testing.assert_allclose(result[:half], samples[:half], atol=1e-6)
    expected = samples[half : RATE - 2400] * np.array([10 ** (-12 / 20), 0], np.float32)
    after = result[half + 2400 :]
    np.testing.assert_allclose(after, expected, atol=1e-6)
    steps = np.abs(np.diff(result, axis=0)).max(axis=0)
    assert (steps < 1.2 * np.abs(np.diff(samples, axis=0)).max(axis=0) + 0.002).all()


def test_tracks_of_a_recording_are_the_mixes(scene: lk.Compositor, tmp_path: Path) -> None:
    low, high = Feeder(0.25, 400), Feeder(0.25, 3000)
    voice = scene.audio.add_mix("voice")
    scene.audio.add(low.port, mixes=("main", voice))
    scene.audio.add(high.port)
    out = tmp_path / "tracks.mkv"
    recorder = lk.Recorder(out, source=scene, audio=["source", voice], audio_codec="pcm_f32le")
    recorder.start()
    fed([low, high], lambda: recorder.statistics().frames > 100, "nothing is recorded")
    report = recorder.stop()
    names = [track.name for track in report.statistics.tracks]
    assert names[1] == "voice"

    def loud(track: int, hertz: float) -> float:
        raw = media.run(*("ffmpeg", "-v", "error", "-i", out, "-map", f"0:a:{track}", "-f", "f32le", "-"))
        middle = np.frombuffer(raw, np.float32).reshape(-1, 2)[RATE // 2 : RATE * 3 // 2, 0]
        return float(np.abs(np.fft.rfft(middle)[round(hertz)]) / len(middle) * 2)

    assert loud(0, 400) == pytest.approx(0.25, rel=0.02)
    assert loud(0, 3000) == pytest.approx(0.25, rel=0.02)
    assert loud(1, 400) == pytest.approx(0.25, rel=0.02)
    assert loud(1, 3000) < 0.001


def kinds_in(file: Path) -> list[str]:
    return [stream["codec_type"] for stream in media.probe(file, count=False)["streams"]]


def track_of(file: Path, index: int) -> Samples:
    raw = media.ffmpeg("-i", file, "-map", f"0:a:{index}", "-f", "f32le", "-")
    return np.frombuffer(raw, np.float32).reshape(-1, 2)


@pytest.mark.parametrize("ending", ["mkv", "mp4", "mov"])
def test_tracks_of_a_render_are_the_mixes(
    scene: lk.Compositor, sound: tuple[Path, Samples], tmp_path: Path, ending: str
) -> None:
    path, samples = sound
    noise = np.random.default_rng(5).uniform(-0.4, 0.4, (RATE, 2)).astype(np.float32)
    voice, silent = scene.audio.add_mix("voice"), scene.audio.add_mix("nobody's")
    scene.audio.add(path, gain=20 * math.log10(0.5), mixes=("main", voice))
    scene.audio.add(noise)
    voice.gain = 20 * math.log10(2)
    outs = [tmp_path / f"a.{ending}", tmp_path / f"b.{ending}"]
    codec = "flac" if ending == "mp4" else "pcm_f32le"  # 24 bits, and all of them
    options = {"strict": -2} if ending == "mp4" else {}
    counts = scene.render(
        outs, frames=49, audio=[voice, silent, "source"], audio_codec=codec, options=options
    )
    length = 49 * RATE // 50
    assert (counts.frames, counts.samples) == (49, length)
    for out in outs:
        assert kinds_in(out) == ["video", "audio", "audio", "audio"]
        first, second, third = (track_of(out, n) for n in range(3))
        assert len(first) == len(second) == len(third) == length
        atol = 1e-4 if codec == "flac" else 1e-6
        np.testing.assert_allclose(first, samples[:length], atol=atol)
        assert not second.any()
        np.testing.assert_allclose(third, samples[:length] / 2 + noise[:length], atol=atol)


def test_a_render_has_the_tracks_that_are_asked_for(scene: lk.Compositor, tmp_path: Path) -> None:
    out = tmp_path / "a.mkv"

    def tracks(audio: Any) -> int:
        scene.render(out, frames=5, audio=audio)
        return kinds_in(out).count("audio")

    # nothing is heard: no track of it unless it is asked for in so many words
    assert [tracks(audio) for audio in ("source", None, False, [], scene.audio, ["source"])] == [
        0,
        0,
        0,
        0,
        1,
        1,
    ]
    port = np.zeros((RATE, 2), np.float32)
    voice = scene.audio.add_mix("voice")
    scene.audio.add(port, mixes=voice)
    assert [tracks(audio) for audio in ("source", True, voice, (voice, voice, True), None)] == [1, 1, 1, 3, 0]


def test_tracks_that_cannot_be(scene: lk.Compositor, tmp_path: Path) -> None:
    out = tmp_path / "a.mkv"
    out.write_bytes(b"kept")
    voice, gone = scene.audio.add_mix("voice"), scene.audio.add_mix("gone")
    other = lk.Compositor(*SIZE).audio.add_mix("voice")
    gone.remove()
    for wrong, match in (
        (other, "another scene"),
        ([voice, other], "another scene"),
        (scene.audio.monitor, "live"),
        ("music.mp3", "track"),
        ([voice, None], "track"),
        (3, "track"),
    ):
        with pytest.raises(lk.ParameterError, match=match) as error:
            scene.render(out, frames=2, audio=wrong)  # type: ignore[arg-type]
        assert error.value.hint
    with pytest.raises(lk.SlotError):
        scene.render(out, frames=2, audio=["source", gone])
    assert out.read_bytes() == b"kept"
    # a container with room for one track says so
    with pytest.raises(lk.LiveKitError) as error:
        scene.render(tmp_path / "a.wav", frames=2, audio=["source", voice])
    assert error.value.hint
    assert not (tmp_path / "a.wav").exists()
    scene.render(out, frames=2, audio=[voice, "source"])


def test_a_mix_that_is_removed_while_rendering_is_silent_from_there(
    scene: lk.Compositor, sound: tuple[Path, Samples], tmp_path: Path
) -> None:
    voice = scene.audio.add_mix("voice")
    scene.audio.add(sound[0], mixes=("main", voice))
    out = tmp_path / "a.mkv"

    def each(t: float) -> None:
        if abs(t - 0.5) < 0.001:
            voice.remove()

    scene.render(out, seconds=1, audio=["source", voice], audio_codec="pcm_f32le", each=each)
    np.testing.assert_allclose(track_of(out, 0), sound[1][:RATE], atol=1e-6)
    heard = track_of(out, 1)
    np.testing.assert_allclose(heard[: RATE // 2], sound[1][: RATE // 2], atol=1e-6)
    assert len(heard) == RATE
    assert not heard[RATE // 2 + 480 :].any()


def test_meters_show_what_is_heard(scene: lk.Compositor) -> None:
    feeder = Feeder(0.1)
    given = scene.audio.add(feeder.port, pan=1.0)
    loud = scene.audio.add(feeder.port, gain=26, mixes=())
    scene.start()
    fed([feeder], lambda: given.peak[1] > -21 and given.rms[1] > -23.2, "the meters do not move")
    for meter in (given, scene.audio):
        assert meter.peak == (-math.inf, pytest.approx(-20, abs=0.1))
        assert meter.rms == (-math.inf, pytest.approx(-23.01, abs=0.1))
        assert meter.hold[1] >= meter.peak[1] - 1e-9
        assert meter.clips == 0
    assert loud.hold[0] == pytest.approx(6, abs=0.1)
    fed([feeder], lambda: loud.clips > 10_000, "clips are not counted")
    given.mute = True
    fed([feeder], lambda: given.peak[1] == -math.inf, "it is not muted")
    assert given.hold[1] > -21
    loud.remove()
    scene.audio.reset_meters()
    fed([feeder], lambda: scene.audio.hold[1] == -math.inf, "the meters are not reset")
    assert (loud.clips, scene.audio.clips) == (0, 0)


def test_the_monitor_has_its_own_sound(scene: lk.Compositor) -> None:
    program, talk = Feeder(0.1), Feeder(0.25, 700)
    first = scene.audio.add(program.port, monitor="on")
    second = scene.audio.add(talk.port, monitor="only")
    heard = lk.AudioPort()
    playing = scene.audio.monitor.play_to(heard)
    scene.start()
    both = [program, talk]
    fed(both, lambda: scene.audio.monitor.peak[0] > -9.6, "nothing is monitored")
    assert scene.audio.peak[0] == pytest.approx(-20, abs=0.2)
    fed(both, lambda: playing.played > RATE // 2, "nothing is played")
    assert heard.peak(0.3)[0] == pytest.approx(-9.12, abs=0.5)
    first.solo = True
    fed(both, lambda: scene.audio.monitor.peak[0] < -19.5, "it is not heard alone")
    assert scene.audio.monitor.peak[0] == pytest.approx(-20, abs=0.2)
    assert (second.monitor, playing.dropped, playing.error) == ("only", 0, None)
    assert playing.is_playing
    playing.stop()
    playing.stop()
    assert not playing.is_playing
    assert "stopped" in repr(playing)


def test_mixes_are_sources_of_sound(scene: lk.Compositor) -> None:
    feeder = Feeder(0.1)
    voice = scene.audio.add_mix("voice")
    scene.audio.add(feeder.port, mixes=voice)
    with lk.AudioMixer() as mixer, lk.Compositor(*SIZE, fps=50) as other:
        mixer.add(voice)
        other.audio.add(mixer, gain=-6)
        scene.start()
        other.start()
        fed([feeder], lambda: other.audio.rms[0] > -30, "nothing is heard")
        assert isinstance(mixer, lk.Mixer)
        assert (mixer.name, mixer.limiter) == ("main", False)
        assert voice.port.peak(0.2)[0] == pytest.approx(-20, abs=0.2)
        assert scene.audio.peak[0] == -math.inf


def test_a_playback_ends_with_its_mix_and_survives_its_scene() -> None:
    scene = lk.Compositor(*SIZE, fps=50)
    voice = scene.audio.add_mix("voice")
    one, two = voice.play_to(-91), scene.audio.play_to(-92)
    assert one.is_playing
    assert two.is_playing
    voice.remove()
    assert not one.is_playing
    assert two.is_playing
    del scene, voice
    assert not two.is_playing
    two.stop()
