# SPDX-License-Identifier: GPL-2.0-or-later
"""The examples run, and make what they say."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import LiveKit as lk
import media
import numpy as np
import pytest

EXAMPLES = Path(__file__).parents[2] / "examples" / "python"
PROGRAMS = sorted(EXAMPLES.glob("*.py"))
# a folder of media is needed by test_the_demo, a display by those in test_desktop.py, a camera by one in
# test_cameras.py, PipeWire by those in test_virtual_camera.py
OWN_TEST = {
    *("demo.py", "view_picture.py", "view_clip.py", "view_player.py", "view_window.py"),
    *("record_window.py", "compose_window.py", "windows_2020.py", "ipc_2020.py"),
    *("cameras_2020.py", "vcam_2020.py", "virtual_camera.py"),
}

# What each example is called with; {picture}, {clip} and {sound} are files.
ARGUMENTS = {
    "animate.py": ["{clip}", "animated.mp4"],
    "async_frames.py": ["last.png"],
    "async_player.py": ["{clip}", "beside.mp4"],
    "camera.py": [],
    "compose.py": ["{picture}", "{clip}", "compose.mp4"],
    "contact_sheet.py": ["{clip}", "sheet.png"],
    "mix_sounds.py": ["{sound}", "{clip}", "mixed.wav"],
    "numpy_in_out.py": [],
    "player_2020.py": ["{clip}", "copy.mp4"],
    "read_frames.py": ["{clip}"],
    "record_live.py": ["{clip}", "live.mp4", "1.5"],
    "share_between_processes.py": [],
}

pytestmark = pytest.mark.skipif(not PROGRAMS, reason="the examples are not here: not a source tree")


@pytest.fixture(scope="module")
def files(folder: Path, clip_with_sound: Path, noise_sounds: tuple[Path, Path]) -> dict[str, Path]:
    picture = folder / "picture.jpg"
    y, x = np.mgrid[0:480, 0:640]
    array = np.stack([x // 3, y // 2, np.full_like(x, 90)], axis=2).astype(np.uint8)
    lk.Frame.from_ndarray(array, "rgb24").save(picture)
    return {"picture": picture, "clip": clip_with_sound, "sound": noise_sounds[0]}


def run(program: Path, arguments: list[str], folder: Path) -> str:
    # Nobody looks on: no terminal, no display.
    environment = {name: value for name, value in os.environ.items() if not name.endswith("DISPLAY")}
    done = subprocess.run(
        [sys.executable, str(program), *arguments],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr
    return done.stdout


@pytest.mark.parametrize(
    "program", [p for p in PROGRAMS if p.name not in OWN_TEST], ids=lambda program: program.name
)
def test_an_example(program: Path, files: dict[str, Path], tmp_path: Path) -> None:
    assert program.name in ARGUMENTS, f"say in ARGUMENTS what {program.name} is called with"
    arguments = [argument.format(**files) for argument in ARGUMENTS[program.name]]
    said = run(program, arguments, tmp_path)
    made = [tmp_path / name for name in arguments if (tmp_path / name).is_file()] or list(tmp_path.iterdir())
    assert said or made
    for path in made:
        if path.suffix in (".mp4", ".mkv"):
            assert int(media.stream(path, "video")["nb_read_frames"]) > 0
        elif path.suffix in (".png", ".jpg"):
            pixels = lk.ImageFile(path).pull()[0]
            assert pixels is not None
            assert pixels.std() > 5, f"{path.name} is empty"


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
def test_an_example_says_what_it_does(program: Path) -> None:
    tree = ast.parse(program.read_text())
    assert ast.get_docstring(tree)


def test_the_demo(files: dict[str, Path], tmp_path: Path) -> None:
    program = EXAMPLES / "demo.py"
    if not program.is_file():
        pytest.skip("there is no demo here")
    media_folder = tmp_path / "media"
    media_folder.mkdir()
    (media_folder / "photo.jpg").symlink_to(files["picture"])
    for name in ("film.mp4", "rabbit.mp4"):
        (media_folder / name).symlink_to(files["clip"])
    out = tmp_path / "demo.mp4"
    said = run(program, ["--media", str(media_folder), "--out", str(out), "--seconds", "1"], tmp_path)
    assert str(out) in said
    video = media.stream(out, "video")
    assert (video["width"], video["height"], video["nb_read_frames"]) == (1280, 720, "30")
    assert media.stream(out, "audio")["codec_name"] == "aac"
    sheet = lk.ImageFile(out.with_suffix(".png")).pull()[0]
    assert sheet is not None
    assert sheet.std() > 5
