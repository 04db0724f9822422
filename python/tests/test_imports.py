# SPDX-License-Identifier: GPL-2.0-or-later
"""The names it is imported by, and what importing it costs and leaves alone."""

from __future__ import annotations

import inspect
import os
import pkgutil
import subprocess
import sys
from pathlib import Path

import LiveKit as lk
import livekit_studio
import pytest


def python(code: str, folder: Path, *flags: str) -> str:
    """What a fresh interpreter prints, ``folder`` being first on its path."""
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    done = subprocess.run(
        [sys.executable, *flags, "-c", code],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=folder,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_both_names_are_one_module() -> None:
    assert lk is livekit_studio
    assert sys.modules["LiveKit"] is sys.modules["livekit_studio"]


def test_either_name_comes_first(tmp_path: Path) -> None:
    for code in (
        "import LiveKit, livekit_studio; print(LiveKit is livekit_studio)",
        "import livekit_studio, LiveKit; print(LiveKit is livekit_studio)",
        "from LiveKit import Compositor; import livekit_studio; print(Compositor is livekit_studio.Compositor)",
    ):
        assert python(code, tmp_path) == "True"


def test_a_foreign_package_called_livekit_is_left_alone(tmp_path: Path) -> None:
    package = tmp_path / "livekit"
    package.mkdir()
    (package / "__init__.py").write_text("whose = 'theirs'\n")
    (package / "rtc.py").write_text("room = 'theirs too'\n")
    code = (
        "import {first}; import {second}; from livekit import rtc; import livekit; "
        "print(livekit.whose, rtc.room, LiveKit.Compositor.__name__, hasattr(livekit, 'Compositor'))"
    )
    for first, second in (("livekit", "LiveKit"), ("LiveKit", "livekit")):
        said = python(code.format(first=first, second=second), tmp_path)
        assert said == "theirs theirs too Compositor False"


def test_importing_is_light(tmp_path: Path) -> None:
    code = (
        "import sys; import LiveKit as lk; "
        "scene = lk.Compositor(64, 48); "
        "heavy = ('numpy', 'PIL', 'asyncio', 'unittest'); "
        "print([name for name in heavy if name in sys.modules])"
    )
    assert python(code, tmp_path) == "[]"


def test_importing_leaves_ffmpegs_filters_alone(tmp_path: Path) -> None:
    """They bring a dozen other libraries along, and few clips need them."""
    if not Path("/proc/self/maps").exists() or any(p.kind == "bundled" for p in lk.licenses().components):
        pytest.skip("this build links them")
    code = "import LiveKit; print('libavcodec' in open('/proc/self/maps').read())"
    assert python(code, tmp_path) == "True"
    assert python(code.replace("avcodec", "avfilter"), tmp_path) == "False"


def test_importing_starts_no_thread_and_handles_no_signal(tmp_path: Path) -> None:
    code = (
        "import os, signal; before = signal.getsignal(signal.SIGINT); import LiveKit; "
        "print(len(os.listdir('/proc/self/task')), signal.getsignal(signal.SIGINT) is before)"
    )
    if not Path("/proc/self/task").is_dir():
        code = code.replace("len(os.listdir('/proc/self/task'))", "1")
    assert python(code, tmp_path) == "1 True"


def test_all_names_are_there_and_no_other_is_public() -> None:
    assert len(set(lk.__all__)) == len(lk.__all__)
    for name in lk.__all__:
        assert hasattr(lk, name), name
    modules = {module.name for module in pkgutil.iter_modules(livekit_studio.__path__)}
    public = {name for name in vars(lk) if not name.startswith("_") and name not in modules}
    assert public | {"__version__"} == set(lk.__all__)


def test_every_class_says_what_it_is() -> None:
    for name in lk.__all__:
        thing = getattr(lk, name)
        if inspect.isclass(thing):
            assert thing.__module__.split(".")[0] in ("livekit_studio", "LiveKit"), name
            assert thing.__name__ == name


def test_the_version_is_the_distributions() -> None:
    from importlib.metadata import version

    assert lk.__version__ == version("livekit-studio")


def test_the_types_come_along() -> None:
    folder = Path(livekit_studio.__file__).parent
    assert (folder / "py.typed").is_file()
    assert (folder / "_native.pyi").is_file()
    assert (folder.parent / "LiveKit.py").is_file()
    assert list(folder.parent.glob("LiveKit-stubs/*.pyi"))


def test_what_is_inside_is_told() -> None:
    told = lk.licenses()
    assert told.version == lk.__version__
    names = {part.name for part in told.components}
    assert {"FFmpeg", "DejaVu Sans", "pyo3"} <= names
    assert all(part.license and part.source for part in told.components)
    assert str(told).splitlines()[0].endswith("GPL-3.0-or-later")
