# SPDX-License-Identifier: GPL-2.0-or-later
"""Every picture at its time. The clips' frames carry their numbers, so what comes out can be read."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterable
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

import LiveKit as lk
import media
import numpy as np
import pytest

CLIP_RATE = 30
RATES = ["24", "25", "30000/1001", "30", "60"]
CONTAINERS = ["mp4", "mkv", "flv", "ts", "mov"]


def numbers(frames: Iterable[lk.Frame]) -> list[int]:
    return [media.number_of(media.luma(frame)) for frame in frames]


def expected(
    rate: str, count: int, *, speed: Fraction = Fraction(1), start: Fraction = Fraction(0)
) -> list[int]:
    """The clip's frame shown at each frame of an output at ``rate``."""
    times = [n / Fraction(rate) * speed + start for n in range(count)]
    return [min(int((t + media.DUE) * CLIP_RATE), 299) for t in times]


def scene_of(source: lk.VideoSource, rate: str = "30", threads: int | None = None) -> lk.Compositor:
    scene = lk.Compositor(media.WIDTH, media.HEIGHT, fps=rate, threads=threads)
    scene.add(source)
    return scene


# ---- The player alone ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("container", CONTAINERS)
def test_frames_are_all_there_in_order(numbered_files: dict[str, Path], container: str) -> None:
    player = lk.LazyPlayer(numbered_files[container])
    seen = list(player.frames())
    assert numbers(seen) == list(range(300))
    times = [frame.timestamp for frame in seen]
    assert times[0] == pytest.approx(0, abs=0.001)
    np.testing.assert_allclose(np.diff(times), 1 / 30, atol=0.0011)


@pytest.mark.parametrize("container", CONTAINERS)
def test_any_frame_is_found_after_random_seeks(numbered_files: dict[str, Path], container: str) -> None:
    player = lk.LazyPlayer(numbered_files[container])
    rng = random.Random(container)
    for _ in range(50):
        number = rng.randrange(300)
        frame = player.frame(number / 30)
        assert frame is not None
        assert numbers([frame]) == [number]
    for _ in range(20):
        t = rng.uniform(0, 10)
        frame = player.frame(t)
        assert frame is not None
        assert numbers([frame])[0] in {int((t + e) * 30) for e in (0.0005, 0.001, 0.0015)}


def test_times_outside_the_file_give_its_ends(numbered: Path) -> None:
    player = lk.LazyPlayer(numbered)
    ends = [player.frame(t) for t in (0, 10, 11, 1e6, 9.9667, 0.0)]
    assert numbers(frame for frame in ends if frame) == [0, 299, 299, 299, 299, 0]
    for wrong in (float("nan"), float("inf")):
        with pytest.raises(lk.ParameterError):
            player.frame(wrong)


@pytest.mark.parametrize("container", CONTAINERS)
def test_frames_continue_exactly_after_set_position(numbered_files: dict[str, Path], container: str) -> None:
    player = lk.LazyPlayer(numbered_files[container])
    scene = scene_of(player)
    rng = random.Random(container)
    for _ in range(50):
        number = rng.randrange(297)
        player.set_position(round(number / 30 * 1e6))
        shown = numbers(islice(scene.frames("yuv420p", realtime=False), 3))
        assert shown == [number, number + 1, number + 2]


def test_asking_for_single_frames_does_not_move_the_player(numbered: Path) -> None:
    player = lk.LazyPlayer(numbered)
    player.set_position(1_000_000)
    assert player.frame(7.0) is not None
    assert player.get_position() == 1_000_000
    assert numbers(islice(scene_of(player).frames("yuv420p", realtime=False), 2)) == [30, 31]


def test_a_file_can_be_asked_while_it_is_iterated(numbered: Path) -> None:
    player = lk.LazyPlayer(numbered)
    frames = player.frames()
    assert numbers(islice(frames, 3)) == [0, 1, 2]
    seen = player.frame(5.0)
    assert seen is not None
    assert numbers([seen]) == [150]
    assert numbers(islice(frames, 2)) == [3, 4]


def test_the_players_numbers(numbered: Path) -> None:
    player = lk.LazyPlayer(numbered)
    assert player.video_size() == (media.WIDTH, media.HEIGHT)
    assert player.get_duration() == pytest.approx(10_000_000, abs=1000)
    assert player.get_position() == 0
    player.set_position(2_500_000)
    assert player.get_position() == 2_500_000


def test_other_formats_on_demand(numbered: Path) -> None:
    frame = lk.LazyPlayer(numbered).frame(1.0, format="rgb24")
    assert frame is not None
    assert frame.format == "rgb24"
    assert media.number_of(frame.to_ndarray("rgb24")) == 30
    first = next(iter(lk.LazyPlayer(numbered).frames("bgra")))
    assert first.format == "bgra"


# ---- Through a scene -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("container", ["mp4", "mkv", "flv"])
def test_a_scene_shows_the_right_frame_at_every_rate(
    numbered_files: dict[str, Path], container: str, rate: str
) -> None:
    count = round(3 * Fraction(rate))
    frames = scene_of(lk.LazyPlayer(numbered_files[container]), rate).frames(
        "yuv420p", realtime=False, seconds=3
    )
    seen = list(frames)
    assert numbers(seen) == expected(rate, count)
    assert [round(f.timestamp * 1e9) for f in seen] == [
        round(n / Fraction(rate) * 10**9) for n in range(count)
    ]


@pytest.mark.parametrize("container", ["mp4", "mkv", "flv"])
def test_a_port_in_between_changes_nothing(numbered_files: dict[str, Path], container: str) -> None:
    port = lk.VideoPort()
    port.set_source(lk.LazyPlayer(numbered_files[container]))
    shown = numbers(scene_of(port, "25").frames("yuv420p", realtime=False, seconds=4))
    assert shown == expected("25", 100)


@pytest.mark.parametrize(
    ("speed", "rate"), [(2.0, "30"), (0.5, "30"), (1.5, "24"), (0.25, "60"), (8.0, "25")]
)
def test_a_player_at_another_rate(numbered: Path, speed: float, rate: str) -> None:
    frames = scene_of(lk.LazyPlayer(numbered, rate=speed), rate).frames("yuv420p", realtime=False, seconds=2)
    assert numbers(frames) == expected(rate, round(2 * Fraction(rate)), speed=Fraction(speed))


def test_two_players_of_one_file_do_not_disturb_each_other(numbered: Path) -> None:
    scene = lk.Compositor(2 * media.WIDTH, media.HEIGHT, fps=30)
    left, right = lk.LazyPlayer(numbered), lk.LazyPlayer(numbered)
    right.set_position(5_000_000)
    scene.add(left, at=(0, 0))
    scene.add(right, at=(media.WIDTH, 0))
    for n, frame in enumerate(scene.frames("yuv420p", realtime=False, seconds=2)):
        picture = media.luma(frame)
        assert media.number_of(picture[:, : media.WIDTH]) == n
        assert media.number_of(picture[:, media.WIDTH :]) == n + 150


def test_one_player_in_two_layers_shows_the_same_frame(numbered: Path) -> None:
    player = lk.LazyPlayer(numbered)
    scene = lk.Compositor(2 * media.WIDTH, media.HEIGHT, fps=24)
    scene.add(player, at=(0, 0))
    scene.add(player, at=(media.WIDTH, 0))
    for n, frame in zip(expected("24", 24), scene.frames("yuv420p", realtime=False, seconds=1), strict=True):
        picture = media.luma(frame)
        assert media.number_of(picture[:, : media.WIDTH]) == n
        assert media.number_of(picture[:, media.WIDTH :]) == n


def test_past_its_end_a_clip_shows_its_last_frame(numbered: Path) -> None:
    player = lk.LazyPlayer(numbered)
    player.set_position(9_900_000)
    assert numbers(scene_of(player).frames("yuv420p", realtime=False, seconds=0.2)) == [
        297,
        298,
        299,
        299,
        299,
        299,
    ]


def test_a_loop_starts_over_without_a_gap(folder: Path) -> None:
    clip = media.numbered_clip(folder / "loop.mp4", 7)
    shown = numbers(scene_of(lk.LazyPlayer(clip, loop=True)).frames("yuv420p", realtime=False, seconds=1))
    assert shown == [n % 7 for n in range(30)]


def test_frames_of_changing_length_are_shown_when_due(folder: Path) -> None:
    """Frame n at n * (n + 1) * 5 ms, in a container that counts milliseconds."""
    clip = folder / "variable.mkv"
    pictures = b"".join(media.numbered_picture(n).tobytes() for n in range(24))
    raw = ("-f", "rawvideo", "-pix_fmt", "gray", "-s", f"{media.WIDTH}x{media.HEIGHT}", "-r", "30", "-i", "-")
    shape = ("-vf", "settb=1/1000,setpts=N*(N+1)*5", "-fps_mode", "passthrough", "-enc_time_base", "1/1000")
    media.ffmpeg(*raw, *shape, "-pix_fmt", "yuv420p", "-c:v", "libx264", "-bf", "2", clip, stdin=pictures)
    times = media.frame_times(clip)
    assert len(times) == 24
    shown = numbers(scene_of(lk.LazyPlayer(clip), "60").frames("yuv420p", realtime=False, seconds=2.7))
    assert shown == [media.shown_at(times, Fraction(n, 60)) for n in range(162)]


def test_functions_are_called_once_a_frame_with_its_time() -> None:
    calls: list[float] = []

    def picture(t: float) -> Any:
        calls.append(t)
        return np.full((media.HEIGHT, media.WIDTH, 3), len(calls), np.uint8)

    source = lk.FunctionSource(picture, format="rgb24")
    frames = scene_of(source, "30000/1001").frames("rgb24", realtime=False, seconds=1)
    assert [int(f.to_ndarray("rgb24")[0, 0, 0]) for f in frames] == list(range(1, 31))
    np.testing.assert_allclose(calls, [n * 1001 / 30000 for n in range(30)], atol=1e-8)


# ---- Into files ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", RATES)
def test_a_rendered_file_holds_the_right_frames(numbered: Path, tmp_path: Path, rate: str) -> None:
    count = round(3 * Fraction(rate))
    out = tmp_path / "out.mp4"
    statistics = scene_of(lk.LazyPlayer(numbered), rate).render(out, seconds=3)
    assert statistics.frames == count
    assert media.decoded_numbers(out) == expected(rate, count)
    times = media.frame_times(out)
    assert [abs(time - n / Fraction(rate)) < Fraction(1, 90000) for n, time in enumerate(times)] == [
        True
    ] * count


@pytest.mark.parametrize("container", ["mkv", "flv", "mov", "ts"])
def test_every_container_keeps_the_frames_and_their_times(
    numbered_files: dict[str, Path], tmp_path: Path, container: str
) -> None:
    out = tmp_path / f"out.{container}"
    scene_of(lk.LazyPlayer(numbered_files[container]), "30000/1001").render(out, frames=60)
    assert media.decoded_numbers(out) == expected("30000/1001", 60)
    times = media.frame_times(out)
    for n, time in enumerate(times):
        assert abs(time - times[0] - n * Fraction(1001, 30000)) <= Fraction(1, 1000)


def test_three_seconds_at_thirty_are_ninety_frames(numbered: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    statistics = scene_of(lk.LazyPlayer(numbered)).render(out, seconds=3)
    assert statistics.frames == 90
    assert media.decoded_numbers(out) == list(range(90))
    assert media.stream(out, "video")["nb_read_frames"] == "90"


@pytest.mark.parametrize(
    ("seconds", "rate", "count"),
    [(1, "30000/1001", 30), (10, "30000/1001", 300), (0.06, "30", 2), (1.49, "1", 1)],
)
def test_seconds_become_the_nearest_number_of_frames(seconds: float, rate: str, count: int) -> None:
    assert lk.Compositor(16, 16, fps=rate).render(lk.NullTarget(), seconds=seconds).frames == count


@pytest.mark.parametrize("length", [{"seconds": 0.01}, {"seconds": 0}, {"frames": 0}, {"seconds": -1.0}])
def test_a_render_of_nothing_is_refused(length: dict[str, Any]) -> None:
    with pytest.raises(lk.ParameterError):
        lk.Compositor(16, 16, fps=30).render(lk.NullTarget(), **length)


def test_without_a_length_it_lasts_as_long_as_the_longest(numbered: Path, clip_with_sound: Path) -> None:
    player = lk.LazyPlayer(numbered)
    target = lk.NullTarget()
    assert scene_of(player).render(target).frames == target.frames == 300
    assert scene_of(lk.LazyPlayer(numbered), "25").render(lk.NullTarget()).frames == 250
    endless = lk.Compositor(16, 16)
    with pytest.raises(lk.ParameterError) as error:
        endless.render(lk.NullTarget())
    assert error.value.hint is not None
    assert "seconds" in error.value.hint


def difference(a: Path, b: Path) -> str:
    """Where two files differ, in words; empty if they do not."""
    one, other = a.read_bytes(), b.read_bytes()
    if one == other:
        return ""
    at = next(
        (n for n, (x, y) in enumerate(zip(one, other, strict=False)) if x != y), min(len(one), len(other))
    )
    return f"{a} ({len(one)} bytes) and {b} ({len(other)} bytes) differ from byte {at} on"


@pytest.mark.parametrize("container", ["mp4", "mkv", "mov", "ts", "flv"])
def test_runs_and_threads_make_the_same_file(clip_with_sound: Path, tmp_path: Path, container: str) -> None:
    outs = []
    for run, threads in enumerate([1, 1, 2]):
        scene = lk.Compositor(320, 240, fps=30, threads=threads)
        scene.add(clip_with_sound, fit="contain", rotation=7)
        scene.add(lk.LazyPlayer(clip_with_sound), at=(180, 130), size=(120, None), opacity=0.7)
        out = tmp_path / f"run{run}.{container}"
        scene.render(out, seconds=2)
        outs.append(out)
    assert not difference(outs[0], outs[1]), "two runs differ"
    assert not difference(outs[0], outs[2]), "one and two render threads differ"


@pytest.mark.parametrize("layout", ["rgb24", "yuv420p"])
def test_runs_and_threads_make_the_same_frames(numbered: Path, layout: Any) -> None:
    def digest(threads: int) -> str:
        scene = lk.Compositor(322, 246, fps=24, threads=threads)
        scene.add(numbered, rotation=11, opacity=0.8)
        scene.add(numbered, at=(33.3, 21.7), size=(201, 99), blend="additive")
        whole = hashlib.sha256()
        for frame in scene.frames(layout, realtime=False, seconds=0.5):
            whole.update(frame.to_ndarray(layout).tobytes())
        return whole.hexdigest()

    first = digest(1)
    assert digest(1) == first
    assert digest(2) == first
    assert digest(5) == first


def test_a_scene_can_be_rendered_again_from_its_beginning(numbered: Path) -> None:
    scene = scene_of(lk.LazyPlayer(numbered))
    for _ in range(3):
        assert numbers(scene.frames("yuv420p", realtime=False, seconds=0.3)) == list(range(9))


def test_one_frame_at_a_time(numbered: Path) -> None:
    scene = scene_of(lk.LazyPlayer(numbered))
    for number in (0, 45, 299, 3, 150):
        frame = scene.frame("yuv420p", at=number / 30)
        assert numbers([frame]) == [number]
        assert frame.timestamp == pytest.approx(number / 30, abs=1e-6)


def test_a_layer_and_its_sound_start_again_at_the_end(clip_with_sound: Path, tmp_path: Path) -> None:
    clip = media.numbered_clip(tmp_path / "short.mp4", 20)
    scene = lk.Compositor(media.WIDTH, media.HEIGHT, fps=30)
    scene.add(clip, loop=True)
    frames = scene.frames("yuv420p", realtime=False, seconds=1.5)
    assert numbers(frames) == [n % 20 for n in range(45)]
