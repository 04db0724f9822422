# SPDX-License-Identifier: GPL-2.0-or-later
"""What livekit_studio.testing accepts, refuses and leaves behind."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import LiveKit as lk
import numpy as np
import pytest
from livekit_studio.testing import assert_scene


def scene_of(shift: int = 0, color: str = "#c04020") -> lk.Compositor:
    scene = lk.Compositor(64, 48, background="#203040")
    scene.add(f"color:{color}", at=(8 + shift, 8), size=(16, 16))
    return scene


@pytest.fixture
def golden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "golden" / "scene.png"
    monkeypatch.setenv("LIVEKIT_UPDATE_GOLDEN", "1")
    assert_scene(scene_of(), path)
    monkeypatch.delenv("LIVEKIT_UPDATE_GOLDEN")
    assert path.is_file()
    return path


def test_the_same_passes_and_leaves_nothing(golden: Path) -> None:
    assert_scene(scene_of(), golden, at=3.0)
    assert [path.name for path in golden.parent.iterdir()] == ["scene.png"]


def test_a_difference_is_told_and_shown(golden: Path) -> None:
    with pytest.raises(AssertionError, match=r"32 of 3072 pixels differ .* x 8 to 24, y 8 to 23") as error:
        assert_scene(scene_of(shift=1), golden)
    assert "LIVEKIT_UPDATE_GOLDEN=1" in str(error.value)
    actual = lk.ImageFile(golden.with_name("scene.actual.png")).frame(format="rgb24").array
    assert np.array_equal(actual, scene_of(shift=1).frame("rgb24").array)
    diff = lk.ImageFile(golden.with_name("scene.diff.png")).frame(format="rgb24").array
    assert int((diff[..., 0] > 0).sum()) == 32


def test_small_differences_pass_within_the_tolerance(golden: Path) -> None:
    assert_scene(scene_of(color="#c24020"), golden)
    with pytest.raises(AssertionError, match="by more than 1, at most by 2"):
        assert_scene(scene_of(color="#c24020"), golden, tolerance=1)


def test_other_sizes_and_missing_pictures(golden: Path, tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="32x48 but 64x48"):
        assert_scene(lk.Compositor(32, 48), golden)
    with pytest.raises(AssertionError, match=r"there is no .*new.png"):
        assert_scene(scene_of(), tmp_path / "new.png")
    assert (tmp_path / "new.actual.png").is_file()


def test_the_time_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = lk.Compositor(320, 180)
    scene.add(lk.TestPattern(320, 180))
    monkeypatch.setenv("LIVEKIT_UPDATE_GOLDEN", "1")
    assert_scene(scene, tmp_path / "a.png", at=3.0)
    monkeypatch.setenv("LIVEKIT_UPDATE_GOLDEN", "0")
    assert_scene(scene, tmp_path / "a.png", at=3.01)
    with pytest.raises(AssertionError):
        assert_scene(scene, tmp_path / "a.png", at=3.04)


def test_what_is_transparent_has_no_colour(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = np.zeros((48, 64, 4), np.uint8)
    pixels[..., :3] = 99
    lk.Frame.from_ndarray(pixels, "rgba").save(tmp_path / "clear.png")
    assert_scene(lk.Compositor(64, 48, background="transparent"), tmp_path / "clear.png")


def test_in_pytest_the_picture_lies_beside_the_test(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    program = tmp_path / "tests" / "test_it.py"
    program.write_text(
        "import LiveKit as lk\nfrom livekit_studio.testing import assert_scene\n"
        "def test_it():\n    assert_scene(lk.Compositor(8, 8), 'black.png', at=3.0)\n",
        encoding="utf-8",
    )

    def pytest_run(update: str) -> subprocess.CompletedProcess[str]:
        command = [
            "env",
            f"LIVEKIT_UPDATE_GOLDEN={update}",
            sys.executable,
            "-P",
            "-m",
            "pytest",
            "-q",
            str(program),
        ]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)

    first = pytest_run("")
    assert first.returncode == 1
    assert "there is no" in first.stdout
    assert (tmp_path / "tests" / "black.actual.png").is_file()
    assert pytest_run("1").returncode == 0
    assert [path.name for path in (tmp_path / "tests").glob("*.png")] == ["black.png"]
    assert pytest_run("").returncode == 0
