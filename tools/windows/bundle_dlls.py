#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""bundle_dlls.py WHEEL FOLDER DLL...: the wheel with those DLLs beside its extension, in FOLDER.

Python looks for what an extension needs in the extension's own folder, so nothing has to be loaded by hand."""

from __future__ import annotations

import base64
import hashlib
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

PACKAGE = "livekit_studio/"
FILTER = "livekit_vcam.dll"
SYSTEM = "advapi32 avrt bcrypt bcryptprimitives combase crypt32 dwrite gdi32 kernel32 msvcrt ntdll ole32 oleaut32 psapi"
SYSTEM += (
    " propsys python3 rpcrt4 secur32 shell32 shlwapi user32 userenv vfw32 winmm ws2_32 avicap32 dwmapi ncrypt"
)


def imports(library: Path) -> set[str]:
    """The DLLs a library asks for."""
    text = subprocess.run(
        ["x86_64-w64-mingw32-objdump", "-p", str(library)], capture_output=True, text=True, check=True
    ).stdout
    return {line.split()[-1].lower() for line in text.splitlines() if "DLL Name:" in line}


def record_line(name: str, data: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    return f"{name},sha256={digest},{len(data)}\n"


def bundle(wheel: Path, folder: Path, libraries: list[Path]) -> Path:
    """Writes the wheel anew, with its list of files."""
    made = folder / wheel.name
    with zipfile.ZipFile(wheel) as before, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as after:
        record = ""
        for entry in before.infolist():
            data = before.read(entry)
            if entry.filename.endswith(".dist-info/RECORD"):
                record = entry.filename
                lines = data.decode()
            else:
                after.writestr(entry, data)
        for library in libraries:
            name, data = PACKAGE + library.name, library.read_bytes()
            after.writestr(name, data)
            lines += record_line(name, data)
        after.writestr(record, lines)
    return made


def extension_imports(wheel: Path) -> tuple[str, set[str]]:
    """The name of a wheel's extension, and the DLLs it asks for."""
    with zipfile.ZipFile(wheel) as file, tempfile.TemporaryDirectory() as folder:
        (name,) = (name for name in file.namelist() if name.endswith(".pyd"))
        return name, imports(Path(file.extract(name, folder)))


def main(wheel: str, folder: str, *dlls: str) -> int:
    libraries = sorted({Path(dll) for dll in dlls})
    there = {library.name.lower() for library in libraries}
    known = {f"{name}.dll" for name in SYSTEM.split()}
    asked = [extension_imports(Path(wheel)), *((library.name, imports(library)) for library in libraries)]
    for name, needed in asked:
        # other programs load the camera's filter, and look for nothing in its folder
        beside = set() if name == FILTER else there
        missing = {n for n in needed - beside - known if not n.startswith("api-ms-win-")}
        if missing:
            print(f"{name} needs {', '.join(sorted(missing))}, which nobody brings", file=sys.stderr)
            return 1
    print(f"wheel: {bundle(Path(wheel), Path(folder), libraries)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
