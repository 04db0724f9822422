# SPDX-License-Identifier: GPL-2.0-or-later
"""Numbered pictures, played as a clip."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import LiveKit as lk
import media
import pytest

FIRST, COUNT = 7, 30


@pytest.fixture(scope="module")
def slides(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """s007.png to s036.png, each of which shows its own number; in a folder whose name means nothing."""
    folder = tmp_path_factory.mktemp("100%d [a]" if sys.platform == "win32" else "100%d [a*]")
    pictures = b"".join(media.numbered_picture(n).tobytes() for n in range(FIRST, FIRST + COUNT))
    raw = ("-f", "rawvideo", "-pix_fmt", "gray", "-s", f"{media.WIDTH}x{media.HEIGHT}", "-i", "-")
    plain = folder.parent / "plain"
    plain.mkdir()
    media.ffmpeg(*raw, "-start_number", str(FIRST), plain / "s%03d.png", stdin=pictures)
    for picture in plain.iterdir():
        picture.rename(folder / picture.name)
    return folder


def link(path: Path, target: Path) -> None:
    """Another name for a file; on Windows, where links take rights, a copy."""
    if sys.platform == "win32":
        shutil.copyfile(target, path)
    else:
        path.symlink_to(target)


def numbers(player: lk.LazyPlayer) -> list[int]:
    return [media.number_of(frame.to_ndarray("rgb24")) for frame in player]


@pytest.mark.parametrize("name", ["s%03d.png", "s*.png", "s???.png"])
def test_every_picture_once_in_order(slides: Path, name: str) -> None:
    everything = list(range(FIRST, FIRST + COUNT))
    player = lk.LazyPlayer(slides / name, options={"framerate": "10"})
    assert numbers(player) == everything
    assert player.get_duration() == 3_000_000
    assert media.number_of(player.frame(1.25).to_ndarray("rgb24")) == FIRST + 12
    assert media.number_of(player.frame(0.3).to_ndarray("rgb24")) == FIRST + 3
    # from the first number on, 25 a second if nobody says otherwise
    assert lk.MediaInfo(slides / name).video_fps() == 25
    assert numbers(lk.LazyPlayer(slides / name)) == everything


def test_a_scene_shows_them_at_their_times(slides: Path, tmp_path: Path) -> None:
    scene = lk.Compositor(media.WIDTH, media.HEIGHT, fps=30)
    scene.add(lk.LazyPlayer(slides / "s%03d.png", options={"framerate": "10"}))
    scene.render(tmp_path / "out.mkv", video_codec="ffv1")
    assert media.decoded_numbers(tmp_path / "out.mkv") == [FIRST + n // 3 for n in range(3 * COUNT)]


def test_a_name_is_enough(slides: Path) -> None:
    scene = lk.Compositor(media.WIDTH, media.HEIGHT, fps=25)
    scene.add(str(slides / "s%03d.png"), loop=True)
    shown = [media.number_of(f.to_ndarray("rgb24")) for f in scene.frames("rgb24", realtime=False, seconds=2)]
    assert shown == [FIRST + n % COUNT for n in range(50)]
    by_number, by_part = str(slides / "s%03d.png"), str(slides / "s*.png")
    for name in (by_number,) if sys.platform == "win32" else (by_number, by_part):
        assert isinstance(lk.open(name), lk.LazyPlayer)


def test_a_player_plays_them(slides: Path) -> None:
    port = lk.VideoPort()
    with lk.Player(slides / "s%03d.png", options={"framerate": "10"}, rate=4.0) as player:
        player.add_target(port)
        player.start()
        player.wait(timeout=60)
        assert player.statistics().decoded == COUNT
    frame = port.latest()
    assert frame is not None
    assert media.number_of(frame.to_ndarray("rgb24")) == FIRST + COUNT - 1


def test_what_is_not_there_is_said(slides: Path, tmp_path: Path) -> None:
    with pytest.raises(lk.MediaNotFoundError, match="no such pictures") as none:
        lk.LazyPlayer(slides / "t%03d.png")
    assert "t000.png, t001.png" in str(none.value.hint)
    for name in ("t*.png", "nowhere/t%03d.png", "S*.png"):
        with pytest.raises(lk.MediaNotFoundError, match="no such pictures"):
            lk.LazyPlayer(slides / name)
    for n in (1, 2, 4):
        link(tmp_path / f"a{n}.png", slides / "s007.png")
    with pytest.raises(lk.MediaError, match=r"a3\.png is missing") as gap:
        lk.LazyPlayer(tmp_path / "a%d.png")
    assert '"a*.png"' in str(gap.value.hint)
    with pytest.raises(lk.MediaError, match="is a folder") as folder:
        lk.LazyPlayer(slides)
    assert "%03d.png" in str(folder.value.hint)


def test_by_a_part_of_their_names_some_may_be_missing(slides: Path, tmp_path: Path) -> None:
    for n in (1, 2, 4):
        link(tmp_path / f"a{n}.png", slides / "s007.png")
    if sys.platform == "win32":
        with pytest.raises(lk.MediaError, match="not found by a part of their names") as none:
            lk.LazyPlayer(tmp_path / "a*.png")
        assert "%03d.png" in str(none.value.hint)
    else:
        assert numbers(lk.LazyPlayer(tmp_path / "a*.png")) == [7, 7, 7]


def test_a_pipe_is_no_picture(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "p0.png")
    for name in ("p%d.png", "p*.png"):
        with pytest.raises(lk.MediaNotFoundError, match="no such pictures"):
            lk.LazyPlayer(tmp_path / name)


def test_a_file_of_that_name_is_that_file(numbered: Path, tmp_path: Path) -> None:
    link(tmp_path / "a%03d.mp4", numbered)
    assert lk.LazyPlayer(tmp_path / "a%03d.mp4").get_duration() == 10_000_000
