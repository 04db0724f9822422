# SPDX-License-Identifier: GPL-2.0-or-later
"""The command line: probe a file, render a few layers."""

from __future__ import annotations

import json
import subprocess
import sysconfig
from pathlib import Path

import LiveKit as lk
import media
import pytest

COMMAND = Path(sysconfig.get_path("scripts")) / "livekit-studio"


def livekit_studio(*arguments: str | Path, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(COMMAND), *map(str, arguments)],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_probe_says_what_is_in_a_file(clip_with_sound: Path) -> None:
    done = livekit_studio("probe", clip_with_sound)
    assert done.returncode == 0, done.stderr
    for word in ("h264", f"{media.WIDTH}x{media.HEIGHT}", "aac", "48000"):
        assert word in done.stdout
    done = livekit_studio("probe", clip_with_sound, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == json.loads(json.dumps(lk.MediaInfo(clip_with_sound).to_dict()))


def test_render_makes_a_file_of_layers(clip_with_sound: Path, numbered: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    size = f"{2 * media.WIDTH}x{media.HEIGHT}"
    done = livekit_studio(
        *("render", out, "--size", size, "--fps", "30", "--seconds", "1"),
        *("--layer", f"{clip_with_sound},at=0:0"),
        *("--layer", f"{numbered},at={media.WIDTH}:0,opacity=0.9,name=right"),
    )
    assert done.returncode == 0, done.stderr
    assert "\r" not in done.stdout + done.stderr, "a progress bar without a terminal"
    pictures = media.decoded(out)
    assert len(pictures) == 30
    assert [media.number_of(p[:, : media.WIDTH]) for p in pictures] == list(range(30))
    assert [media.number_of(p[:, media.WIDTH :]) for p in pictures] == list(range(30))
    assert media.stream(out, "audio")["codec_name"] == "aac"


@pytest.mark.parametrize(
    "arguments",
    [
        ("probe", "no-such-file.mp4"),
        ("render", "out.mp4", "--layer", "no-such-file.mp4", "--seconds", "1"),
        ("render", "out.mp4", "--size", "0x0", "--seconds", "1"),
        ("render", "out.mp4", "--size", "64x48", "--seconds", "1", "--no-such-option"),
        ("no-such-command",),
    ],
)
def test_what_is_wrong_is_said_on_one_line_of_standard_error(
    arguments: tuple[str, ...], tmp_path: Path
) -> None:
    done = livekit_studio(*arguments, folder=tmp_path)
    assert done.returncode != 0
    assert done.stdout == ""
    assert done.stderr.strip()
    assert "Traceback" not in done.stderr
    assert "panicked" not in done.stderr
    assert not (tmp_path / "out.mp4").exists()


def test_help_and_version() -> None:
    for arguments in (("--help",), ("render", "--help"), ("probe", "--help")):
        done = livekit_studio(*arguments)
        assert done.returncode == 0
        assert done.stdout.strip()
    assert lk.__version__ in livekit_studio("--version").stdout
