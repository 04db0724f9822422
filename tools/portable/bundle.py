#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Finishes the portable wheel: bundle.py WHEEL OUT LICENCES CRATES

Adds the licences of what is inside, says the licence of the whole, and refuses a wheel that is not what it says: too
large, in need of a library that slim machines lack, or with libraries under names that others have too.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

LIMIT = 40_000_000  # bytes
GLIBC = "manylinux_2_34"  # what auditwheel finds that it asks for
# what every machine with Python and the C library has; all else must come along
SYSTEM = {"libc.so.6", "libm.so.6", "libgcc_s.so.1", "ld-linux-x86-64.so.2"}
# before glibc 2.34 these were apart from the C library, and they are still there
SYSTEM |= {"libpthread.so.0", "libdl.so.2", "librt.so.1"}


def dynamic(path: Path, what: str) -> list[str]:
    """The entries of one kind in a library's dynamic section."""
    said = subprocess.run(["readelf", "-dW", path], capture_output=True, text=True, check=True).stdout
    return re.findall(rf"\({what}\).*\[(.*)\]", said)


def findings(folder: Path) -> Iterator[str]:
    """What is wrong with an unpacked wheel."""
    libraries = [path for path in folder.rglob("*") if re.search(r"\.so(\.|$)", path.name)]
    ours = {path.name for path in libraries}
    if len(ours) < 2:
        yield "no library came along"
    for path in libraries:
        name = path.name
        for needed in set(dynamic(path, "NEEDED")) - SYSTEM - ours:
            yield f"{name} needs {needed}, which not every machine has"
        if name.startswith("_native"):
            continue
        if not re.search(r"-[0-9a-f]{8}\.so", name):
            yield f"{name} has a name that others may have too"
        if dynamic(path, "SONAME") != [name]:
            yield f"{name} goes by another name: {dynamic(path, 'SONAME')}"


def finish(folder: Path, licences: Path, crates: Path) -> None:
    """Puts in the licences and names that of the whole."""
    info = next(folder.glob("*.dist-info"))
    texts = info / "licenses" / "bundled"
    texts.mkdir(parents=True, exist_ok=True)
    names = []
    for path in sorted(licences.iterdir()):
        (texts / f"{path.name}.txt").write_bytes(path.read_bytes())
        names.append(f"bundled/{path.name}.txt")
    (texts / "rust-crates.txt").write_bytes(crates.read_bytes())
    names.append("bundled/rust-crates.txt")

    metadata = info / "METADATA"
    head, _, body = metadata.read_text(encoding="utf-8").partition("\n\n")
    lines = [line for line in head.split("\n") if not line.startswith("License-Expression:")]
    lines.append("License-Expression: GPL-3.0-or-later")
    lines += [f"License-File: {name}" for name in names]
    metadata.write_text("\n".join(lines) + "\n\n" + body, encoding="utf-8")


def main() -> None:
    wheel, out, licences, crates = (Path(argument) for argument in sys.argv[1:])
    with tempfile.TemporaryDirectory() as temporary:
        subprocess.run(
            [sys.executable, "-m", "wheel", "unpack", "-d", temporary, wheel],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        folder = next(Path(temporary).iterdir())
        wrong = list(findings(folder))
        finish(folder, licences, crates)
        if not wrong:
            subprocess.run(
                [sys.executable, "-m", "wheel", "pack", "-d", out, folder],
                check=True,
                stdout=subprocess.DEVNULL,
            )
    done = out / wheel.name
    if not wrong and (size := done.stat().st_size) > LIMIT:
        wrong.append(f"it has {size / 1e6:.1f} MB; {LIMIT / 1e6:.0f} are the limit")
    if GLIBC not in wheel.name:
        wrong.append(f"it is for another C library than {GLIBC}: {wheel.name} (auditwheel show says why)")
    if wrong:
        sys.exit("the portable wheel is not right:\n" + "\n".join(f"  {line}" for line in wrong))
    print(f"{done.name}: {done.stat().st_size / 1e6:.1f} MB")


main()
