# SPDX-License-Identifier: GPL-2.0-or-later
"""Sound devices, against a PipeWire of the tests' own and where there is none."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import LiveKit as lk
import media
import numpy as np
import pytest
from sound_session import Session, pactl, until

PROGRAM = str(Path(sys.executable).with_name("livekit-studio"))
LEVEL = -20.0  # of the tone, in dBFS as sines have it


@pytest.fixture(scope="module")
def tone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """30 s of 1 kHz at -20 dBFS."""
    t = np.arange(30 * media.RATE) / media.RATE
    samples = np.repeat(0.1 * np.sin(2 * np.pi * 1000 * t)[:, None], 2, axis=1)
    return media.write_sound(tmp_path_factory.mktemp("tone") / "tone.wav", samples)


class Ear:
    """Listens to a source of sound through a mixer."""

    def __init__(self, source: object) -> None:
        self.mixer = lk.AudioMixer()
        self.input = self.mixer.add(source)  # type: ignore[arg-type]

    @property
    def level(self) -> float:
        """Of the last moment, in dBFS as sines have it."""
        return self.input.rms[0] + 10 * math.log10(2)

    def until(self, level: float) -> None:
        until(lambda: abs(self.level - level) < 0.5, f"a level of {level} dB")

    def until_silence(self) -> None:
        until(lambda: self.level < -80, "silence")

    def close(self) -> None:
        self.mixer.close()


def level_of(samples: np.ndarray) -> float:
    return 10 * math.log10(2 * float(np.mean(np.square(samples))))


# ---- Without a server --------------------------------------------------------------------------------------------


def test_without_a_server_everything_else_works(tone: Path, tmp_path: Path) -> None:
    assert lk.speakers() == []
    assert lk.microphones() == []
    outputs, inputs = lk.AudioOutputDeviceList(), lk.AudioInputDeviceList()
    assert (outputs.size(), outputs.id_default, inputs.to_pylist()) == (0, -1, [])
    with pytest.raises(lk.SlotError):
        outputs.get(0)
    makers: list[Callable[[], object]] = [
        lk.Speaker,
        lambda: lk.Microphone("Headset"),
        lambda: lk.AudioRepeater(0, 0),
        lambda: lk.VirtualMicrophone("Studio mic"),
        lambda: lk.VirtualSpeaker("Studio in"),
        lambda: lk.Recorder(tmp_path / "x.mp4", True, 64, 64, True, 0),
        lambda: lk.Player(tone, True, True, 3),
    ]
    for make in makers:
        with pytest.raises(lk.DeviceError, match="sound server") as raised:
            make()
        assert raised.value.hint
        assert "pipewire-pulse" in raised.value.hint
    with lk.Player(tone) as player:
        player.start()
        until(lambda: player.get_position() > 100_000, "it plays, in silence")
        assert player.audio_device is None
    with pytest.raises(lk.MediaNotFoundError):
        lk.AudioMixer().add("missing.wav")


def test_the_command_line_says_why_there_are_no_devices() -> None:
    told = json.loads(
        subprocess.run([PROGRAM, "--json", "devices"], capture_output=True, check=True, timeout=60).stdout
    )
    assert told["sound"]["speakers"] == []
    assert "pipewire-pulse" in told["sound"]["hint"]


# ---- With one ----------------------------------------------------------------------------------------------------


def test_devices_are_listed_and_named(session: Session) -> None:
    speakers = lk.speakers()
    assert (
        [s.name for s in speakers] == ["Big Speaker", "Headphones"] == lk.AudioOutputDeviceList().to_pylist()
    )
    assert speakers[0] == lk.AudioDevice("speaker", "Big Speaker", 2, 48000, False, True)
    assert lk.AudioOutputDeviceList().id_default == 0
    assert lk.AudioOutputDeviceList().get(1) == "Headphones"
    assert all(m.is_monitor for m in lk.microphones())
    assert len(lk.AudioInputDeviceList()) == 2
    for device in (1, "head", "phones", speakers[1]):
        with lk.Speaker(device) as speaker:
            assert speaker.device == speakers[1]
            assert speaker.name == "Headphones"
    with pytest.raises(lk.DeviceNotFoundError, match='did you mean "Headphones"'):
        lk.Speaker("Hedphones")
    with pytest.raises(LookupError, match="Big Speaker"):
        lk.Microphone(9)
    with pytest.raises(lk.ParameterError):
        lk.Speaker(-1)
    told = subprocess.run([PROGRAM, "devices"], capture_output=True, check=True, timeout=60)
    assert b"Monitor of Headphones" in told.stdout
    assert b"PipeWire" in told.stdout

    with lk.AudioDeviceWatch() as watch:
        news = watch.events()
        time.sleep(0.3)
        module = pactl("load-module", "module-null-sink", "sink_name=usb").strip()
        assert next(e for e in news if "usb" in e.source).new == "present"
        pactl("unload-module", module)
        assert next(e for e in news if e.new == "gone").kind == "device_state"


def test_a_player_is_heard_and_recorded(session: Session, tone: Path, tmp_path: Path) -> None:
    big, phones = Ear(lk.Microphone("Monitor of Big Speaker")), Ear("microphone:Monitor of Headphones")
    player = lk.Player(tone, True, True, 0, loop=True)
    assert player.audio_device is None
    player.start()
    big.until(LEVEL)
    assert player.audio_device == lk.speakers()[0]
    recorder = lk.Recorder(
        tmp_path / "heard.m4a", record_audio=True, audio_device_id="Monitor of Big Speaker"
    )
    with recorder:
        time.sleep(2)
    samples = media.decoded_sound(tmp_path / "heard.m4a")
    assert level_of(samples[24000:72000]) == pytest.approx(LEVEL, abs=0.5)
    player.volume = 0.5
    big.until(LEVEL - 6.02)
    assert player.gain == pytest.approx(-6.02, abs=0.01)
    player.muted = True
    big.until_silence()
    player.muted, player.volume = False, 1.0
    player.set_audio_device("Headphones")
    phones.until(LEVEL)
    big.until_silence()
    with pytest.raises(lk.DeviceNotFoundError):
        player.set_audio_device(7)
    phones.until(LEVEL)
    player.set_audio_device(-44)
    phones.until_silence()
    channel = Ear(lk.AudioPort(-44))
    channel.until(LEVEL)
    repeater = lk.AudioRepeater(-44, "phones")
    phones.until(LEVEL)
    repeater.close()
    phones.until_silence()
    player.close()
    for ear in (big, phones, channel):
        ear.close()


def test_a_scene_is_played_to_devices(session: Session, tone: Path) -> None:
    phones = Ear(lk.Microphone("Monitor of Headphones"))
    with lk.Compositor(64, 64, fps=30) as scene, lk.VirtualMicrophone("Studio mic") as studio:
        scene.audio.add(str(tone))
        playing = scene.audio.play_to("Headphones")
        scene.audio.play_to(studio)
        hears = Ear(lk.Microphone("Studio mic"))
        scene.start()
        phones.until(LEVEL)
        hears.until(LEVEL)
        playing.stop()
        phones.until_silence()
        assert studio.state == "live"
        assert 0.05 < studio.latency < 0.5
        studio.volume = 0.5
        hears.until(LEVEL - 6.02)
        hears.close()
    with pytest.raises(lk.ClosedError):
        studio.volume = 1.0
    until(lambda: "livekit" not in pactl("list", "short", "modules"), "the virtual microphone is gone")
    phones.close()


def test_virtual_speakers_are_sources(session: Session, tone: Path) -> None:
    with lk.VirtualSpeaker("Studio in") as studio:
        ear = Ear(studio)
        playing = subprocess.Popen(["timeout", "30", "paplay", "--device", "livekit.studio_in", str(tone)])
        ear.until(LEVEL)
        playing.terminate()
        playing.wait()
        ear.until_silence()
        with pytest.raises(lk.DeviceBusyError):
            lk.VirtualSpeaker("Studio in")
        ear.close()


def test_a_killed_server_comes_back(session: Session, tone: Path, tmp_path: Path) -> None:
    ear = Ear(lk.Microphone("Monitor of Big Speaker"))
    player = lk.Player(tone, audio_device_id="Big Speaker", loop=True)
    news = player.events()
    player.start()
    ear.until(LEVEL)
    recorder = lk.Recorder(tmp_path / "heard.m4a", audio="microphone:Monitor of Big Speaker")
    heard = recorder.events()
    before = time.monotonic()
    recorder.start()
    begun = time.monotonic()
    time.sleep(1)
    session.kill_servers()
    assert next(e for e in news if e.kind == "target_state").new == "reconnecting"
    assert next(e for e in heard if e.kind == "source_state").new == "reconnecting"
    ear.until_silence()
    session.start_servers()
    ear.until(LEVEL)
    assert player.is_playing()
    time.sleep(1)
    least = time.monotonic() - begun
    recorder.stop()
    most = time.monotonic() - before
    samples = media.decoded_sound(tmp_path / "heard.m4a")
    # what is not due yet when it stops is not in it
    assert least - 0.25 < len(samples) / media.RATE < most + 0.1
    assert level_of(samples[-24000:-4800]) == pytest.approx(LEVEL, abs=0.5)
    player.close()
    ear.close()


def test_what_is_left_open_ends_with_the_program(session: Session, tone: Path) -> None:
    program = """
import sys, LiveKit as lk
player = lk.Player(sys.argv[1], loop=True)
player.start()
microphone, virtual, repeater = lk.Microphone(), lk.VirtualMicrophone("Left"), lk.AudioRepeater(0, 1)
watch = lk.AudioDeviceWatch()
watch.on("*", print)
"""
    subprocess.run([sys.executable, "-c", program, str(tone)], check=True, timeout=60)
    until(lambda: "livekit" not in pactl("list", "short", "modules"), "nothing is left")
