# SPDX-License-Identifier: GPL-2.0-or-later
"""Copying between containers without encoding."""

from __future__ import annotations

import math
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import LiveKit as lk
import media
import numpy as np
import pytest


def test_a_copy_as_in_2020(numbered: Path, tmp_path: Path) -> None:
    copier = lk.Copier(str(numbered), str(tmp_path / "copy.mkv"))
    while copier.is_copying():
        assert 0 <= copier.progress() <= 1
        time.sleep(0.001)
    assert copier.wait()
    assert copier.error is None
    assert copier.progress() == 1.0
    np.testing.assert_array_equal(media.decoded(tmp_path / "copy.mkv"), media.decoded(numbered))


def test_a_with_block_waits(clip_with_sound: Path, tmp_path: Path) -> None:
    with lk.Copier(clip_with_sound, tmp_path / "copy", format="mp4", options={"movflags": "faststart"}):
        pass
    info = lk.MediaInfo(tmp_path / "copy")
    assert info.has_video()
    assert info.has_audio()


def test_what_cannot_be_copied(numbered: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.mp4"
    with pytest.raises(lk.MediaNotFoundError):
        lk.Copier("/no/such/film.mp4", copy)
    with pytest.raises(lk.ParameterError, match="itself"):
        lk.Copier(numbered, numbered)
    with pytest.raises(lk.EncoderError, match=r"stream 0 .*h264"):
        lk.Copier(numbered, tmp_path / "copy.webm")
    with pytest.raises(lk.OutputError):
        lk.Copier(numbered, tmp_path / "none" / "copy.mp4")
    assert not copy.exists()
    copy.write_bytes(b"mine")
    with pytest.raises(lk.OutputError):
        lk.Copier(numbered, copy, overwrite=False)
    assert copy.read_bytes() == b"mine"
    with pytest.raises(lk.ParameterError):
        lk.Copier(numbered, copy, timeout=-1)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_full_disk(numbered: Path) -> None:
    with pytest.raises(lk.DiskFullError), lk.Copier(numbered, "/dev/full", format="mpegts") as copier:
        copier.wait()
    assert isinstance(copier.error, lk.DiskFullError)


@pytest.fixture
def live(numbered_files: dict[str, Path]) -> Iterator[str]:
    """The address of a live stream: ten seconds of pictures, then silence."""
    done = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            peer, _ = listener.accept()
            with peer:
                try:
                    peer.sendall(numbered_files["ts"].read_bytes())
                except OSError:
                    return  # the reader has gone
                done.wait(60)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"tcp://127.0.0.1:{listener.getsockname()[1]}"
        done.set()
        thread.join()


def pictures(path: Path) -> int:
    return len(media.decoded(path))


def test_a_cancelled_copy_plays(live: str, tmp_path: Path) -> None:
    path = tmp_path / "live.mp4"
    copier = lk.Copier(live, path, timeout=60, input_options={"probesize": "100000"})
    assert not copier.wait(0.5)
    assert not copier.wait(0)
    assert copier.is_copying()
    assert math.isnan(copier.progress())
    copier.cancel()
    assert copier.wait(60)
    assert copier.error is None
    assert pictures(path) > 100


def test_an_exception_leaves_a_file_that_plays(live: str, tmp_path: Path) -> None:
    path = tmp_path / "live.mp4"
    options = {"probesize": "100000"}
    copier = lk.Copier(live, path, timeout=60, input_options=options)

    def use() -> None:
        with copier:
            assert not copier.wait(0.5)
            raise KeyError

    with pytest.raises(KeyError):
        use()
    assert not copier.is_copying()
    assert pictures(path) > 100


@pytest.mark.parametrize("ending", ["pass", "del copier"])
def test_the_end_of_the_program_leaves_a_file_that_plays(live: str, tmp_path: Path, ending: str) -> None:
    path = tmp_path / "live.mp4"
    code = f"""
import LiveKit as lk
copier = lk.Copier({live!r}, {str(path)!r}, timeout=60, input_options={{"probesize": "100000"}})
assert not copier.wait(0.5)
{ending}
"""
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert pictures(path) > 100
