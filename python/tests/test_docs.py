# SPDX-License-Identifier: GPL-2.0-or-later
"""Every program of README.md and docs/ runs, every page is in the navigation, every link leads somewhere."""

from __future__ import annotations

import ast
import io
import os
import re
import runpy
import shutil
import subprocess
import sys
import tempfile
import tokenize
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path

import LiveKit as lk
import media
import numpy as np
import pytest
from lanes import Job, Lanes, Values
from snippets import DOCS, ROOT, Snippet, fenced, make_media, pages, snippets
from sound_session import Session, missing, until

pytestmark = pytest.mark.skipif(not pages(), reason="the pages are not here: not a source tree")

LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)|(?:src|href)=\"([^\"]+)\"")
HEADING = re.compile(r"^#{1,6} (.+?)$", re.MULTILINE)
MORTAL = ("setpriv", "--pdeathsig", "KILL")  # gone with the tests, however they end
PROGRAM_TEST = "test_a_program_of_a_page"
CAMERA = """
import LiveKit as lk
with lk.VirtualCamera(1280, 720, 30, name="HD Webcam", device="pipewire") as camera:
    scene = lk.Compositor(1280, 720, fps=30)
    scene.add(lk.TestPattern(1280, 720))
    scene.add_target(camera)
    scene.run()
"""
WINDOW = """
import LiveKit as lk
lk.view(lk.TestPattern(640, 360), title="Slides")
"""


# ---- What programs find ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def media_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("docs-media")
    make_media(folder)
    return folder


@pytest.fixture(scope="module")
def display() -> Iterator[dict[str, str]]:
    """A display with a window called "Slides" on it."""
    media.need("Xvfb", "setpriv")
    command = [*MORTAL, "Xvfb", "-displayfd", "1", "-screen", "0", "1280x720x24", "-noreset"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as server:
        assert server.stdout is not None
        name = f":{server.stdout.readline().decode().strip()}"
        environment = {"DISPLAY": name, "WAYLAND_DISPLAY": ""}
        window = subprocess.Popen([*MORTAL, sys.executable, "-c", WINDOW], env=os.environ | environment)
        try:
            until(lambda: any(w.title == "Slides" for w in lk.windows(display=name)), "a window")
            yield environment
        finally:
            window.kill()
            window.wait()
            server.kill()


@pytest.fixture(scope="module")
def session() -> Iterator[dict[str, str]]:
    """Sound devices, and a camera called "HD Webcam"."""
    if (program := missing()) is not None:
        pytest.skip(f"there is no {program}: apt install pipewire pipewire-pulse wireplumber dbus")
    session = Session()
    camera = None
    try:
        with pytest.MonkeyPatch.context() as monkeypatch:
            for name, value in session.environment.items():
                monkeypatch.setenv(name, value)
            session.start()
            camera = subprocess.Popen([*MORTAL, sys.executable, "-c", CAMERA])
            until(lambda: any(c.name == "HD Webcam" for c in lk.cameras()), "a camera")
        yield session.environment
    finally:
        if camera:
            camera.kill()
            camera.wait()
        session.stop()


def environment_of(snippet: Snippet, request: pytest.FixtureRequest) -> dict[str, str]:
    found: dict[str, str] = {}
    for word in re.split(r",| and ", snippet.needs):
        match word.strip():
            case "":
                pass
            case "a display":
                found |= request.getfixturevalue("display")
            case "a camera" | "sound devices" | "PipeWire" | "PipeWire or v4l2loopback":
                found |= request.getfixturevalue("session")
            case other:
                pytest.skip(f"it needs {other}")
    return found


# ---- Programs -----------------------------------------------------------------------------------------------


class Programs:
    """All programs that this run asks for: begun at once, two that compute and one that waits for devices at a time."""

    def __init__(self, request: pytest.FixtureRequest, files: dict[str, Path], folder: Path) -> None:
        self._request, self._files, self._folder = request, files, folder
        # by whether they need devices
        self._lanes = {False: Lanes(2, folder), True: Lanes(1, folder)}
        items = [item for item in request.session.items if isinstance(item, pytest.Function)]
        mine = [item.callspec.params["snippet"] for item in items if item.originalname == PROGRAM_TEST]
        self._running = {snippet: self._submit(snippet) for snippet in mine}

    def result(self, snippet: Snippet) -> tuple[Path, Values]:
        """Its folder, and the variables that are looked at; whoever asks again has it run again."""
        job, future = self._running.pop(snippet) if snippet in self._running else self._submit(snippet)
        return job.folder, future.result()

    def made(self, folder: Path) -> list[Path]:
        """The files of a program's folder that it made."""
        given = {path.stat().st_mtime_ns for path in self._files.values()}
        return [path for path in folder.iterdir() if path.stat().st_mtime_ns not in given]

    def close(self) -> None:
        for lanes in self._lanes.values():
            lanes.close()

    def _submit(self, snippet: Snippet) -> tuple[Job, Future[Values]]:
        folder = Path(tempfile.mkdtemp(dir=self._folder))
        opencv = snippet.page.stem == "opencv"
        for name, path in self._files.items():
            if opencv and name == "clip.mp4":  # what it must have made is known frame by frame
                path = self._request.getfixturevalue("numbered")
            if name in snippet.code or (name[:5] == "slide" and "slide" in snippet.code):
                shutil.copy2(path, folder / name)  # not a link: some write files of these names
        alone = bool(snippet.needs) or snippet.is_endless
        future: Future[Values] = Future()
        try:
            environment = environment_of(snippet, self._request)
        except pytest.skip.Exception as skipped:
            future.set_exception(skipped)
            environment = {}
        wanted = ("seen", "fps", "image", "small", "rgb") if opencv else ()
        job = Job(snippet.name, snippet.program(), folder, environment, alone, snippet.is_endless, wanted)
        return job, future if future.done() else self._lanes[bool(snippet.needs)].submit(job)


@pytest.fixture(scope="module")
def programs(
    request: pytest.FixtureRequest, media_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Programs]:
    files = {path.name: path for path in media_folder.iterdir()}
    programs = Programs(request, files, tmp_path_factory.mktemp("programs"))
    yield programs
    programs.close()


@pytest.mark.parametrize("snippet", snippets(), ids=lambda snippet: snippet.name)
def test_a_program_of_a_page(snippet: Snippet, programs: Programs, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, names = programs.result(snippet)
    monkeypatch.chdir(folder)
    for path in programs.made(folder):
        if path.suffix in (".mp4", ".mkv"):
            assert media.probe(path, count=False)["streams"], f"{path.name} is empty"
        if path.suffix in (".png", ".jpg"):
            assert lk.ImageFile(path).frame(format="rgba").array.std() > 1, f"{path.name} is empty"
        shown = DOCS / "pictures" / path.name
        if shown.is_file():
            assert_same_picture(path, shown)
    if snippet.page.stem == "opencv":
        check_opencv(snippet.title, names)


def test_what_is_typed_first_prints_what_its_page_says(
    display: dict[str, str], session: dict[str, str], media_folder: Path, tmp_path: Path
) -> None:
    media.need("xdotool")
    shutil.copy(media_folder / "a.mp4", tmp_path)
    page = DOCS / "start" / "first-lines.md"
    typed = [code for _, _, language, code in fenced(page) if language == "pycon"]
    (tmp_path / "lines.txt").write_text("\n".join(typed), encoding="utf-8")
    environment = os.environ | session | display
    closes = "id=$(xdotool search --sync --name '^a window$') && xdotool windowclose $id"
    flags = [part for flag in ("ELLIPSIS", "NORMALIZE_WHITESPACE") for part in ("-o", flag)]
    with subprocess.Popen([*MORTAL, "sh", "-c", closes], env=environment):
        done = subprocess.run(
            [sys.executable, "-P", "-m", "doctest", *flags, "lines.txt"],
            cwd=tmp_path,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    assert sum(code.count("\n>>> ") for code in typed) > 25


def assert_same_picture(made: Path, shown: Path) -> None:
    """The picture of a page is what its lines make; encoders may differ a little between versions."""
    ours, theirs = (
        np.asarray(lk.ImageFile(p).frame(format="rgb24").array).astype(int) for p in (made, shown)
    )
    assert ours.shape == theirs.shape, f"{shown} is of another size: make docs-pictures"
    assert np.abs(ours - theirs).mean() < 4, (
        f"{shown} is not what the page makes any more: make docs-pictures"
    )


def check_opencv(title: str, names: Values) -> None:
    """What OpenCV's lines beside them would have done."""
    match title:
        case "Read a file":
            seen = names["seen"]
            assert isinstance(seen, list)
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
            assert media.decoded(Path("over.mp4"))[0][84, 119] > 220  # in the white ring
        case "Resize and convert":
            small, rgb = names["small"], names["rgb"]
            assert isinstance(small, np.ndarray)
            assert isinstance(rgb, np.ndarray)
            assert (small.shape, rgb.shape) == ((180, 320, 3), (360, 640, 3))
            assert small[90, :100].min() > 195
            assert small[90, 102:].max() < 5
        case _:
            pass


# ---- Pages -----------------------------------------------------------------------------------------------


def test_what_is_ours_is_run_and_what_is_theirs_is_not() -> None:
    for page in pages():
        for title, line, language, code in fenced(page):
            where = f"{page.relative_to(ROOT)}:{line} {title}"
            if language == "python":
                assert re.search(
                    r"^(import|from) \w*(LiveKit|livekit_studio|numpy|mmap|asyncio)", code, re.M
                ), f"{where}: a program that stands alone imports what it uses; what is not ours is marked py"
            elif language == "py":
                assert "LiveKit" not in code, f"{where}: ours is marked python, so that it is run"


def test_the_readme_is_short_and_its_programs_are_five_lines() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert text.count("\n") <= 150
    assert "Not affiliated with LiveKit Inc." in text
    four = [s for s in snippets() if s.page.name == "README.md" and s.title == "Four programs"]
    assert len(four) == 4
    assert all(s.lines - s.code.startswith("import") <= 5 for s in four)


def test_recipes_are_short() -> None:
    recipes = [s for s in snippets() if s.page.name == "cookbook.md"]
    assert len(recipes) >= 20
    for recipe in recipes:
        assert recipe.lines <= 12, f"{recipe.name}: {recipe.lines} lines"


def navigation() -> list[str]:
    """The pages that mkdocs.yml names."""
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    return re.findall(r"([\w./-]+\.md)$", text.partition("\nnav:\n")[2], re.MULTILINE)


def test_every_page_is_in_the_navigation() -> None:
    named = navigation()
    assert len(named) == len(set(named))
    assert sorted(named) == sorted(
        page.relative_to(DOCS).as_posix() for page in pages() if DOCS in page.parents
    )


def anchor(heading: str) -> str:
    """What a heading is reached by, here and in the site."""
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "")
    return re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", plain.strip().lower()))


def without_code(text: str) -> str:
    return re.sub(r"`[^`\n]*`", "", re.sub(r"^( *)```.*?^\1```$", "", text, flags=re.MULTILINE | re.DOTALL))


def test_every_link_leads_somewhere() -> None:
    broken = []
    for page in [*pages(), *(ROOT / name for name in ("CONTRIBUTING.md", "SECURITY.md", "llms.txt"))]:
        for found in LINK.finditer(without_code(page.read_text(encoding="utf-8"))):
            link = found[1] or found[2]
            if re.match(r"[a-z]+:", link):
                continue
            name, _, place = link.partition("#")
            target = (page.parent / name).resolve() if name else page
            if not target.exists():
                broken.append(f"{page.relative_to(ROOT)}: {link}")
            elif place and target.suffix == ".md":
                text = target.read_text(encoding="utf-8")
                generated = re.findall(r"^::: (\w+)$", text, re.MULTILINE)
                if place not in {anchor(h) for h in HEADING.findall(text)} | set(generated):
                    broken.append(f"{page.relative_to(ROOT)}: {link}: no such heading")
    assert not broken, "\n".join(broken)


def test_every_picture_is_shown_and_made_by_its_page() -> None:
    charts = {path.name for path in (DOCS / "charts").iterdir()}
    texts = {page: page.read_text(encoding="utf-8") for page in pages()}
    for picture in (DOCS / "pictures").iterdir():
        showing = [page for page, text in texts.items() if f"pictures/{picture.name}" in text]
        assert showing, f"nobody shows {picture.name}"
        made = [s for s in snippets() if f'"{picture.name}"' in s.code]
        assert any(s.page in showing for s in made), f"no page that shows {picture.name} makes it"
        assert picture.stat().st_size < 1_000_000
    assert charts == {
        Path(link).name for text in texts.values() for link in re.findall(r"charts/[\w.-]+", text)
    }


# ---- The reference -----------------------------------------------------------------------------------------------


def test_every_public_name_is_in_the_reference_with_a_program() -> None:
    found: dict[str, str] = {}
    for page in (DOCS / "reference").glob("*.md"):
        sections = re.split(r"^## ", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
        for section in sections:
            for name in re.findall(r"^::: (\w+)$", section, re.MULTILINE):
                assert name not in found, f"{name} is in the reference twice"
                found[name] = section
    public = set(lk.__all__) | {"assert_scene"}
    assert public - set(found) - {"__version__"} == set()
    assert set(found) - public == set()
    for name, section in found.items():
        programs = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
        assert programs, f"no program beside {name}"
        assert name in names_in("".join(programs)), f"the program beside {name} does not use it"


def test_every_member_is_described_and_used_by_a_program() -> None:
    described = runpy.run_path(str(ROOT / "tools" / "docs_reference.py"))["names"]()
    examples = [path.read_text(encoding="utf-8") for path in (ROOT / "examples" / "python").glob("*.py")]
    used = names_in("\n".join([*(snippet.code for snippet in snippets()), *examples]))
    members = [
        (f"{name}.{member}", member, text)
        for name in {*lk.__all__, "assert_scene"} - {"__version__"}
        for member, text in members_of(described[name]).items()
    ]
    assert len(members) > 400
    assert [where for where, _, text in members if not text] == [], "nothing is said of these"
    assert sorted(where for where, member, _ in members if member not in used) == [], "no program has these"


def names_in(program: str) -> set[str]:
    """The names that a program uses; what its comments and strings say does not count."""
    tokens = tokenize.generate_tokens(io.StringIO(program).readline)
    return {token.string for token in tokens if token.type == tokenize.NAME}


def members_of(node: ast.ClassDef | ast.FunctionDef) -> dict[str, str]:
    """What is said of the methods, properties and fields of a class."""
    said: dict[str, str] = {}
    fields = dict(re.findall(r"^ +(\w+): (.+)$", ast.get_docstring(node) or "", re.MULTILINE))
    for child in node.body if isinstance(node, ast.ClassDef) else ():
        match child:
            case ast.FunctionDef(name=name) if not name.startswith("_"):
                said[name] = said.get(name) or ast.get_docstring(child) or ""
            case ast.AnnAssign(target=ast.Name(id=name)) if not name.startswith("_"):
                said[name] = fields.get(name, "")
    return said


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze")
def test_the_unit_of_the_guide_is_one(tmp_path: Path) -> None:
    units = [code for _, _, language, code in fenced(DOCS / "guide" / "headless.md") if language == "ini"]
    assert units
    for n, unit in enumerate(units):
        path = tmp_path / f"studio{n}.service"
        path.write_text(re.sub(r"ExecStart=\S+", f"ExecStart={sys.executable}", unit), encoding="utf-8")
        done = subprocess.run(
            ["systemd-analyze", "verify", str(path)], capture_output=True, text=True, check=False, timeout=60
        )
        assert path.name not in done.stderr, done.stderr
