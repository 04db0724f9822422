# SPDX-License-Identifier: GPL-2.0-or-later
"""Layers that begin later than their scene."""

from __future__ import annotations

from pathlib import Path

import LiveKit as lk
import media
import numpy as np
import pytest

SIZE = (media.WIDTH, media.HEIGHT)


def number_or_none(picture: media.Bytes) -> int | None:
    """The number shown; None where nothing is but the blue background."""
    return None if (picture == (0, 0, 255)).all() else media.number_of(picture)


def shown(scene: lk.Compositor, seconds: float) -> list[int | None]:
    frames = scene.frames("rgb24", realtime=False, seconds=seconds)
    return [number_or_none(frame.to_ndarray("rgb24")) for frame in frames]


def test_a_clip_begins_at_its_time(numbered: Path) -> None:
    scene = lk.Compositor(*SIZE, fps=30, background="blue")
    layer = scene.add(numbered, start=1.0)
    assert layer.start == 1.0
    assert shown(scene, 3.0) == [None] * 30 + list(range(60))


def test_one_clip_may_begin_at_several_times(numbered: Path) -> None:
    player = lk.LazyPlayer(numbered)
    scene = lk.Compositor(2 * media.WIDTH, media.HEIGHT, fps=30, background="blue")
    scene.add(player, at=(0, 0), start=0.5)
    scene.add(player, at=(media.WIDTH, 0), start=1.1)
    for n, frame in enumerate(scene.frames("rgb24", realtime=False, seconds=2)):
        picture = frame.to_ndarray("rgb24")
        left, right = picture[:, : media.WIDTH], picture[:, media.WIDTH :]
        assert number_or_none(left) == (n - 15 if n >= 15 else None)
        assert number_or_none(right) == (n - 33 if n >= 33 else None)


def test_its_sound_begins_with_it_and_the_render_ends_after_it(clip_with_sound: Path, tmp_path: Path) -> None:
    plain, late = lk.Compositor(*SIZE, fps=30), lk.Compositor(*SIZE, fps=30)
    plain.add(clip_with_sound)
    late.add(clip_with_sound, start=1.5)
    assert plain.render(tmp_path / "plain.mkv", video_codec="ffv1", audio_codec="pcm_f32le").frames == 300
    assert late.render(tmp_path / "late.mkv", video_codec="ffv1", audio_codec="pcm_f32le").frames == 345
    before, after = (media.decoded_sound(tmp_path / f"{name}.mkv") for name in ("plain", "late"))
    moved = round(1.5 * media.RATE)
    assert not after[:moved].any()
    assert np.array_equal(after[moved : moved + 9 * media.RATE], before[: 9 * media.RATE])


def test_a_picture_and_what_stands_in_for_it_wait_as_well() -> None:
    port = lk.VideoPort()
    scene = lk.Compositor(32, 16, fps=10)
    scene.add("color:#ff0000", start=0.5)
    scene.add(port, start=1.0, fallback="color:#00ff00", offline="latest")
    colors = [tuple(f.to_ndarray("rgb24")[8, 16]) for f in scene.frames("rgb24", realtime=False, seconds=2)]
    assert colors == [(0, 0, 0)] * 5 + [(255, 0, 0)] * 5 + [(0, 255, 0)] * 10
    port.push(np.full((16, 32, 3), 255, np.uint8), format="rgb24")
    for policy in ("latest", "freeze"):
        scene.layers[1].offline = policy
        colors = [
            tuple(f.to_ndarray("rgb24")[8, 16]) for f in scene.frames("rgb24", realtime=False, seconds=2)
        ]
        assert colors[5:] == [(255, 0, 0)] * 5 + [(255, 255, 255)] * 10


def test_functions_are_asked_from_zero_on() -> None:
    asked = []

    def picture(t: float) -> media.Bytes:
        asked.append(round(t, 3))
        return np.full((16, 32, 3), 200, np.uint8)

    scene = lk.Compositor(32, 16, fps=10)
    scene.add(lk.FunctionSource(picture, format="rgb24"), start=0.3)
    list(scene.frames("rgb24", realtime=False, seconds=0.6))
    assert sorted(set(asked)) == [0.0, 0.1, 0.2]


def test_live_it_counts_from_the_start_of_the_run(numbered: Path) -> None:
    with lk.Compositor(*SIZE, fps=30, background="blue") as scene:
        scene.add(numbered, start=0.5)
        frames = scene.frames("rgb24", seconds=2)
        seen = [(f.timestamp, number_or_none(f.to_ndarray("rgb24"))) for f in frames]
    begun = next(n for n, (_, number) in enumerate(seen) if number is not None)
    # a busy machine may leave frames out; those that are there are in their places
    for timestamp, number in seen:
        n = round((timestamp - seen[0][0]) * 30)
        assert number is None if n < 14 else number is None or abs(number - (n - 15)) <= 1
    assert begun > 0


@pytest.mark.parametrize("start", [-1.0, float("nan"), float("inf"), 1e9])
def test_times_that_are_none(start: float) -> None:
    with pytest.raises(lk.ParameterError, match="start"):
        lk.Compositor(*SIZE).add("color:red", start=start)
