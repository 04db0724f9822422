# SPDX-License-Identifier: GPL-2.0-or-later
"""What this process uses: threads, files, memory."""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

if sys.platform == "win32":
    from ctypes import wintypes

    class _Thread(ctypes.Structure):
        _fields_ = [
            ("size", wintypes.DWORD),
            ("usage", wintypes.DWORD),
            ("thread", wintypes.DWORD),
            ("process", wintypes.DWORD),
            ("priority", wintypes.LONG),
            ("change", wintypes.LONG),
            ("flags", wintypes.DWORD),
        ]

    class _Memory(ctypes.Structure):
        _fields_ = [
            ("size", wintypes.DWORD),
            ("faults", wintypes.DWORD),
            ("peak", ctypes.c_size_t),
            ("resident", ctypes.c_size_t),
            ("others", ctypes.c_size_t * 6),
        ]

    _system = ctypes.WinDLL("kernel32", use_last_error=True)
    _system.GetCurrentProcess.restype = wintypes.HANDLE
    _system.CreateToolhelp32Snapshot.restype = wintypes.HANDLE
    _system.CreateToolhelp32Snapshot.argtypes = [wintypes.DWORD, wintypes.DWORD]
    for _name in ("Thread32First", "Thread32Next"):
        getattr(_system, _name).argtypes = [wintypes.HANDLE, ctypes.POINTER(_Thread)]
    _system.CloseHandle.argtypes = [wintypes.HANDLE]
    _system.GetProcessHandleCount.argtypes = [wintypes.HANDLE, ctypes.POINTER(wintypes.DWORD)]
    _system.K32GetProcessMemoryInfo.argtypes = [wintypes.HANDLE, ctypes.POINTER(_Memory), wintypes.DWORD]

    def usage() -> tuple[int, int]:
        """Threads and open handles of this process: files, events, and threads again."""
        handles = wintypes.DWORD()
        assert _system.GetProcessHandleCount(_system.GetCurrentProcess(), ctypes.byref(handles))
        every_thread = 4
        snapshot = _system.CreateToolhelp32Snapshot(every_thread, 0)
        thread, count = _Thread(size=ctypes.sizeof(_Thread)), 0
        more = _system.Thread32First(snapshot, ctypes.byref(thread))
        while more:
            count += thread.process == os.getpid()
            more = _system.Thread32Next(snapshot, ctypes.byref(thread))
        _system.CloseHandle(snapshot)
        assert count > 0
        return count, handles.value

    def memory() -> int:
        """Bytes of this process in memory."""
        known = _Memory(size=ctypes.sizeof(_Memory))
        here = _system.GetCurrentProcess()
        assert _system.K32GetProcessMemoryInfo(here, ctypes.byref(known), known.size)
        assert known.resident > 0
        return int(known.resident)

else:

    def usage() -> tuple[int, int]:
        """Threads and open files of this process."""
        return len(os.listdir("/proc/self/task")), len(os.listdir("/proc/self/fd"))

    def memory() -> int:
        """Bytes of this process in memory, without what the C library keeps for later."""
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
        fields = Path("/proc/self/statm").read_text().split()
        return int(fields[1]) * os.sysconf("SC_PAGE_SIZE")
