# SPDX-License-Identifier: GPL-2.0-or-later
"""Sounds are added sample by sample, and stay with their pictures."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import LiveKit as lk
import media
import numpy as np
import pytest
from media import RATE, Samples

SIZE = (32, 32)


def rendered(scene: lk.Compositor, out: Path, seconds: float | None, **options: Any) -> Samples:
    """The sound of a lossless render."""
    scene.render(out, seconds=seconds, audio_codec="pcm_f32le", **options)
    return media.decoded_sound(out)


def scene_of() -> lk.Compositor:
    return lk.Compositor(*SIZE, fps=30)


def near(actual: Samples, expected: Any, tolerance: float = 1e-4) -> None:
    assert actual.shape == np.shape(expected)
    difference = np.abs(actual - expected).max(axis=1)
    wrong = np.flatnonzero(difference > tolerance)
    assert not len(wrong), (
        f"{len(wrong)} samples differ by up to {difference.max():.6f}, the first is {wrong[0]}"
    )


@pytest.mark.parametrize("container", ["mkv", "mov", "wav"])
def test_two_sounds_are_their_sum(noise_sounds: tuple[Path, Path], tmp_path: Path, container: str) -> None:
    scene = scene_of()
    for sound in noise_sounds:
        scene.audio.add(sound)
    one, two = (media.decoded_sound(sound) for sound in noise_sounds)
    near(rendered(scene, tmp_path / f"out.{container}", 2), one + two)


def test_gains_are_in_decibels(noise_sounds: tuple[Path, Path], tmp_path: Path) -> None:
    one, two = (media.decoded_sound(sound) for sound in noise_sounds)
    scene = scene_of()
    quiet = scene.audio.add(noise_sounds[0], gain=-6.0)
    scene.audio.add(noise_sounds[1], gain=-math.inf)
    expected = one * 10 ** (-6 / 20)
    near(rendered(scene, tmp_path / "a.mkv", 1), expected[:RATE])
    quiet.gain = 3.5
    scene.audio.gain = -12
    near(rendered(scene, tmp_path / "b.mkv", 1), one[:RATE] * 10 ** ((3.5 - 12) / 20))
    scene.audio.inputs[1].gain = 0.0
    near(rendered(scene, tmp_path / "c.mkv", 1), (one * 10 ** (3.5 / 20) + two)[:RATE] * 10 ** (-12 / 20))


def test_muted_sounds_are_silent(noise_sounds: tuple[Path, Path], tmp_path: Path) -> None:
    one, two = (media.decoded_sound(sound) for sound in noise_sounds)
    scene = scene_of()
    first = scene.audio.add(noise_sounds[0], mute=True)
    scene.audio.add(noise_sounds[1])
    near(rendered(scene, tmp_path / "a.mkv", 1), two[:RATE])
    first.mute = False
    near(rendered(scene, tmp_path / "b.mkv", 1), (one + two)[:RATE])
    scene.audio.mute = True
    near(rendered(scene, tmp_path / "c.mkv", 1), np.zeros((RATE, 2)))


@pytest.mark.parametrize("offset", [0.1, -0.25, 0.0, 1 / 48000, 1.5])
def test_a_sync_offset_moves_by_whole_samples(
    noise_sounds: tuple[Path, Path], tmp_path: Path, offset: float
) -> None:
    one, two = (media.decoded_sound(sound) for sound in noise_sounds)
    scene = scene_of()
    scene.audio.add(noise_sounds[0], sync_offset=offset)
    scene.audio.add(noise_sounds[1])
    shift = round(offset * RATE)
    moved = np.zeros((2 * RATE, 2), np.float32)
    if shift >= 0:
        moved[shift:] = one[: len(one) - shift]
    else:
        moved[:shift] = one[-shift:]
    near(rendered(scene, tmp_path / "out.mkv", 2), moved + two)


def test_edits_between_frames_change_the_sound_without_a_click(
    noise_sounds: tuple[Path, Path], tmp_path: Path
) -> None:
    one = media.decoded_sound(noise_sounds[0])
    scene = scene_of()
    sound = scene.audio.add(noise_sounds[0])

    def picture(t: float) -> None:
        sound.mute = t > 0.99

    scene.add(lk.FunctionSource(picture, format="rgb24"))
    result = rendered(scene, tmp_path / "out.mkv", 2)
    near(result[: RATE - 480], one[: RATE - 480])
    assert np.abs(result[RATE + RATE // 10 :]).max() == 0.0
    faded = np.abs(result) / np.abs(one).clip(1e-3)
    edge = faded[RATE - 480 : RATE + RATE // 10].max(axis=1)
    assert np.diff(edge[np.abs(one[RATE - 480 : RATE + RATE // 10]).min(axis=1) > 0.05]).max() < 0.05


def test_the_number_of_samples_is_exact_at_broken_rates(
    noise_sounds: tuple[Path, Path], tmp_path: Path
) -> None:
    scene = lk.Compositor(*SIZE, fps="30000/1001")
    scene.audio.add(noise_sounds[0])
    scene.audio.add(noise_sounds[1])
    one, two = (media.decoded_sound(sound) for sound in noise_sounds)
    out = tmp_path / "out.mkv"
    statistics = scene.render(out, frames=47, audio_codec="pcm_f32le")
    samples = 47 * 1001 * RATE // 30000
    assert statistics.samples == samples
    near(media.decoded_sound(out), (one + two)[:samples])


def test_past_its_end_a_sound_is_silence_and_a_loop_goes_on(
    noise_sounds: tuple[Path, Path], tmp_path: Path
) -> None:
    one = media.decoded_sound(noise_sounds[0])
    scene = scene_of()
    scene.audio.add(noise_sounds[0])
    near(rendered(scene, tmp_path / "a.mkv", 3), np.concatenate([one, np.zeros((RATE, 2), np.float32)]))
    scene = scene_of()
    scene.audio.add(noise_sounds[0], loop=True)
    near(rendered(scene, tmp_path / "b.mkv", 5), np.concatenate([one, one, one[:RATE]]))


def test_layers_bring_their_sound(
    clip_with_sound: Path, noise_sounds: tuple[Path, Path], tmp_path: Path
) -> None:
    scene = scene_of()
    layer = scene.add(clip_with_sound)
    assert layer.audio is not None
    assert len(scene.audio.inputs) == 1
    source = media.decoded_sound(clip_with_sound)
    near(rendered(scene, tmp_path / "a.mkv", 2), source[: 2 * RATE])
    layer.visible = False
    near(rendered(scene, tmp_path / "b.mkv", 1), source[:RATE])
    layer.audio.gain = -6
    near(rendered(scene, tmp_path / "c.mkv", 1), source[:RATE] * 10 ** (-6 / 20))
    layer.remove()
    assert scene.audio.inputs == []
    silent = scene.add(clip_with_sound, audio=False)
    assert silent.audio is None
    scene.audio.add(noise_sounds[0])
    near(rendered(scene, tmp_path / "d.mkv", 1), media.decoded_sound(noise_sounds[0])[:RATE])


def test_inputs_are_listed_edited_and_removed(noise_sounds: tuple[Path, Path]) -> None:
    scene = scene_of()
    first = scene.audio.add(noise_sounds[0], gain=-3, sync_offset=0.5)
    scene.audio.add(noise_sounds[1])
    assert [found.gain for found in scene.audio.inputs] == [-3.0, 0.0]
    assert noise_sounds[0].name in first.name
    assert (first.mute, first.sync_offset) == (False, 0.5)
    for name, wrong in [("gain", 61.0), ("gain", math.nan), ("sync_offset", math.inf)]:
        with pytest.raises(lk.ParameterError):
            setattr(first, name, wrong)
    assert (first.gain, first.sync_offset) == (-3.0, 0.5)
    first.remove()
    assert len(scene.audio.inputs) == 1
    with pytest.raises(lk.SlotError):
        first.gain = 0.0
    with pytest.raises(lk.SlotError):
        first.remove()


@pytest.mark.parametrize("rate", [8000, 22050, 44100, 96000])
def test_other_sample_rates_keep_pitch_place_and_level(folder: Path, tmp_path: Path, rate: int) -> None:
    t = np.arange(rate) / rate
    wave = 0.5 * np.sin(2 * np.pi * 1000 * t)
    clip = media.write_sound(folder / f"tone-{rate}.wav", np.stack([wave, wave], axis=1), rate)
    scene = scene_of()
    scene.audio.add(clip)
    result = rendered(scene, tmp_path / "out.mkv", 1)
    inner = slice(RATE // 10, RATE * 9 // 10)
    expected = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE)
    near(result[inner, :1], expected[inner, None], 0.01)


def test_a_mono_sound_is_heard_on_both_sides(folder: Path, tmp_path: Path) -> None:
    clip = media.write_sound(folder / "mono.wav", media.tone(1, 440)[:, :1])
    scene = scene_of()
    scene.audio.add(clip)
    result = rendered(scene, tmp_path / "out.mkv", 1)
    np.testing.assert_array_equal(result[:, 0], result[:, 1])
    assert np.abs(result).max() > 0.1


@pytest.mark.parametrize("ending", ["flac", "m4a", "mp3", "ogg"])
def test_compressed_sounds_start_where_they_should(folder: Path, tmp_path: Path, ending: str) -> None:
    """Encoders put silence before the first sample, which players have to leave out."""
    codec = {"flac": "flac", "m4a": "aac", "mp3": "libmp3lame", "ogg": "libvorbis"}[ending]
    media.need_encoder(codec)
    burst = np.zeros((RATE, 2), np.float32)
    burst[RATE // 2 :] = media.tone(0.5, 1000, amplitude=0.8)
    clip = media.write_sound(folder / f"burst.{ending}", burst, codec=codec)
    scene = scene_of()
    scene.audio.add(clip)
    result = rendered(scene, tmp_path / "out.mkv", 1)
    assert onset(result) == pytest.approx(0.5, abs=0.002)
    near(result, media.decoded_sound(clip)[:RATE])


def test_a_scene_without_sounds_makes_a_file_without_sound(tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    scene_of().render(out, frames=3)
    assert [s["codec_type"] for s in media.probe(out)["streams"]] == ["video"]


# ---- Flash and beep ------------------------------------------------------------------------------------------

MINUTES = 10
EVENTS = (2.0, MINUTES * 60 - 2.0)
FLASH_RATE = 10


def onset(samples: Samples, rate: int = RATE) -> float:
    """When the sound first is at half its greatest loudness."""
    loud = np.abs(samples[:, 0])
    return float(np.argmax(loud > loud.max() / 2) / rate)


# ---- As an array -------------------------------------------------------------------------------------------------


def test_a_files_sound_is_an_array(noise_sounds: tuple[Path, Path]) -> None:
    expected = media.decoded_sound(noise_sounds[0])
    samples = lk.read_audio(noise_sounds[0])
    assert (samples.dtype, samples.shape) == (np.float32, (2 * RATE, 2))
    assert samples.flags.writeable
    near(samples, expected)
    near(lk.read_audio(str(noise_sounds[0]), start=0.5, seconds=1.0), expected[RATE // 2 : RATE * 3 // 2])
    near(lk.read_audio(noise_sounds[0], start=1.75, seconds=9), expected[RATE * 7 // 4 :])
    assert lk.read_audio(noise_sounds[0], start=5).shape == (0, 2)
    assert lk.read_audio(noise_sounds[0], seconds=0).shape == (0, 2)


def test_what_is_read_is_what_a_scene_mixes(clip_with_sound: Path, tmp_path: Path) -> None:
    scene = scene_of()
    scene.add(clip_with_sound)
    mixed = rendered(scene, tmp_path / "mixed.wav", 4.0)
    near(lk.read_audio(clip_with_sound, seconds=4.0), mixed, 1e-6)


def test_other_rates_and_channels(tmp_path: Path) -> None:
    mono = np.sin(np.arange(22050) / 30)[:, None] * 0.5
    path = media.write_sound(tmp_path / "mono.wav", mono, rate=22050)
    samples = lk.read_audio(path)
    assert abs(len(samples) - RATE) <= 2
    assert np.array_equal(samples[:, 0], samples[:, 1])
    peak = float(np.abs(samples[RATE // 4 : -RATE // 4]).max())
    assert abs(20 * math.log10(peak / 0.5) + 3) < 0.1  # -3 dB on either side


def test_what_has_no_sound_to_read(numbered: Path, tmp_path: Path) -> None:
    with pytest.raises(lk.MediaError, match="no sound"):
        lk.read_audio(numbered)
    with pytest.raises(lk.MediaNotFoundError):
        lk.read_audio(tmp_path / "nothing.wav")
    for wrong in ({"start": -1}, {"seconds": -1}, {"seconds": float("nan")}):
        with pytest.raises(lk.ParameterError):
            lk.read_audio(numbered, **wrong)


def flash_and_beep(path: Path) -> Path:
    """Ten minutes of black and silence with a flash and a beep near either end; the sound has 44,100 samples a
    second, so that it has to be converted all along."""
    rate = 44100
    sound = np.zeros(MINUTES * 60 * rate, np.int16)
    beep = (20000 * np.sin(2 * np.pi * 1000 * np.arange(rate // 5) / rate)).astype(np.int16)
    for event in EVENTS:
        start = round(event * rate)
        sound[start : start + len(beep)] = beep
    wav = path.with_suffix(".s16")
    sound.tofile(wav)
    lit = "+".join(f"between(t,{event - 0.01},{event + 0.11})" for event in EVENTS)
    black = f"color=black:s=64x36:r={FLASH_RATE}:d={MINUTES * 60}"
    media.ffmpeg(
        *("-f", "lavfi", "-i", f"{black},drawbox=t=fill:c=white:enable='{lit}'"),
        *("-f", "s16le", "-ar", str(rate), "-ac", "1", "-i", wav),
        *("-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac", "-b:a", "64k", path),
    )
    return path


def distances(path: Path) -> list[float]:
    """How long after each flash its beep is heard, by the file's own time stamps."""
    brightness = media.decoded(path).mean(axis=(1, 2))
    times = media.frame_times(path)
    assert len(times) == len(brightness) == MINUTES * 60 * FLASH_RATE
    lit = np.flatnonzero((brightness[1:] > 128) & (brightness[:-1] <= 128)) + 1
    assert len(lit) == len(EVENTS)
    flashes = [float(times[i]) for i in lit]
    first = media.frame_times(path, "a", at_most=6)[0]
    sound = media.decoded_sound(path)
    beeps = []
    for event in EVENTS:
        start = int((event - 1) * RATE)
        beeps.append(float(first) + start / RATE + onset(sound[start : start + 2 * RATE]))
    return [beep - flash for flash, beep in zip(flashes, beeps, strict=True)]


@pytest.fixture(scope="module")
def flash_clip(folder: Path) -> tuple[Path, list[float]]:
    """The clip and its own distances."""
    path = flash_and_beep(folder / "flash.mp4")
    return path, distances(path)


@pytest.mark.parametrize("container", ["mp4", "mkv"])
def test_flash_and_beep_stay_together_for_ten_minutes(
    flash_clip: tuple[Path, list[float]], tmp_path: Path, container: str
) -> None:
    clip, before = flash_clip
    scene = lk.Compositor(64, 36, fps=FLASH_RATE)
    scene.add(clip)
    out = tmp_path / f"out.{container}"
    statistics = scene.render(out, seconds=MINUTES * 60, options={"preset": "ultrafast"})
    assert statistics.frames == MINUTES * 60 * FLASH_RATE
    assert statistics.samples == MINUTES * 60 * RATE
    for was, now in zip(before, distances(out), strict=True):
        assert abs(now - was) <= 0.005, f"beep {was * 1000:.1f} ms after the flash became {now * 1000:.1f} ms"
