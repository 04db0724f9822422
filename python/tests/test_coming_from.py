# SPDX-License-Identifier: GPL-2.0-or-later
"""The snippets of docs/coming-from.md that are ours run, and do what those beside them do."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import LiveKit as lk
import media
import numpy as np
import pytest

DOCUMENT = Path(__file__).parents[2] / "docs" / "coming-from.md"
FENCED = re.compile(r"^### (.+?)\n|^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
ENOUGH = 5  # pictures that are processed where a loop would go on for ever


class EnoughError(Exception):
    """Ends a loop."""


def snippets() -> Iterator[tuple[str, str]]:
    """The heading of each of our snippets, and its lines."""
    title = ""
    if not DOCUMENT.is_file():
        return
    for found in FENCED.finditer(DOCUMENT.read_text(encoding="utf-8")):
        title = found[1] or title
        # a virtual camera's are run by test_virtual_camera.py
        if found[2] and "import LiveKit" in found[2] and "# needs PipeWire" not in found[2]:
            yield title, found[2]


SNIPPETS = list(snippets())
pytestmark = pytest.mark.skipif(not SNIPPETS, reason="the document is not here: not a source tree")


@pytest.fixture
def display(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    media.need("Xvfb")
    command = ["Xvfb", "-displayfd", "1", "-screen", "0", "1280x720x24", "-noreset"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as server:
        assert server.stdout is not None
        name = f":{server.stdout.readline().decode().strip()}"
        monkeypatch.setenv("DISPLAY", name)
        try:
            yield name
        finally:
            server.kill()


def draw(number: int) -> media.Bytes:
    picture = np.zeros((360, 640, 3), np.uint8)
    picture[:, : 10 * number + 1] = 200
    return picture


@pytest.mark.parametrize(("title", "code"), SNIPPETS, ids=[title for title, _ in SNIPPETS])
def test_a_snippet(
    title: str,
    code: str,
    numbered: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    program = compile(code, title, "exec")
    needs = code.partition("\n")[0] if code.startswith("# needs") else ""
    if "camera" in needs and not lk.cameras():
        pytest.skip("there is no camera")
    if "display" in needs:
        request.getfixturevalue("display")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "clip.mp4").symlink_to(numbered)
    lk.Frame.from_ndarray(np.full((40, 60, 4), 255, np.uint8), "rgba").save("logo.png")
    seen: list[media.Bytes] = []

    def process(picture: media.Bytes) -> None:
        seen.append(picture)
        if len(seen) == ENOUGH and "camera" in needs:
            raise EnoughError

    names = {"process": process, "draw": draw, "image": draw(20)}
    if "camera" in needs and "display" in needs:
        pytest.skip("it shows a camera until its window is closed")
    try:
        exec(program, names)
    except EnoughError:
        assert "camera" in needs
    check(title, names, seen)


def check(title: str, names: dict[str, object], seen: list[media.Bytes]) -> None:
    match title:
        case "Read a camera":
            assert len(seen) == ENOUGH
        case "Read a file":
            assert [media.number_of(picture[..., 0]) for picture in seen[:20]] == list(range(20))
            assert names["fps"] == 30
        case "Go to a place":
            image = names["image"]
            assert isinstance(image, np.ndarray)
            assert media.number_of(image[..., 0]) == 75
        case "Write a file":
            pictures = media.decoded(Path("out.mp4"))
            assert len(pictures) == 50
            assert [int((p[180] > 90).sum()) for p in pictures[1:3]] == [
                pytest.approx(n, abs=2) for n in (11, 21)
            ]
        case "Draw something over a film":
            assert media.decoded(Path("over.mp4"))[0][40, 50] > 220
        case "Resize and convert":
            small, rgb = names["small"], names["rgb"]
            assert isinstance(small, np.ndarray)
            assert isinstance(rgb, np.ndarray)
            assert (small.shape, rgb.shape) == ((180, 320, 3), (360, 640, 3))
            assert small[90, :100].min() > 195
            assert small[90, 102:].max() < 5
        case _:
            pass
