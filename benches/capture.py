# SPDX-License-Identifier: GPL-2.0-or-later
"""What it costs to capture a window: ours, ffmpeg's x11grab and GStreamer's ximagesrc, one after the other.

A private X server (Xvfb) shows a 1080p window that GStreamer paints 60 times a second, then one that stands still.
For each program: CPU of its own and of the X server, in percent of a core, with what painting costs taken away.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

OURS = """
import LiveKit as lk, time
with lk.WindowCapture(title="painted") as capture:
    time.sleep(1000)
"""
TICKS = os.sysconf("SC_CLK_TCK")


def cpu(pid: int) -> float:
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


@contextmanager
def running(command: list[str], display: str | None = None) -> Iterator[subprocess.Popen[bytes]]:
    environment = dict(os.environ) | ({"DISPLAY": display} if display else {})
    quiet = subprocess.DEVNULL
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=quiet, stdin=quiet
    ) as program:
        try:
            yield program
        finally:
            program.kill()


def painter(still: bool) -> list[str]:
    frames = ["num-buffers=1"] if still else []
    caps = "video/x-raw,format=BGRx,width=1920,height=1080,framerate=60/1"
    pattern = ["videotestsrc", "is-live=true", "pattern=ball", *frames, "!", caps]
    return ["gst-launch-1.0", "-q", "--no-position", *pattern, "!", "ximagesink", "sync=false"]


def window_of(display: str) -> str:
    for _ in range(100):
        found = subprocess.run(
            ["xdotool", "search", "--class", "gst-launch-1.0"],
            env=dict(os.environ) | {"DISPLAY": display},
            capture_output=True,
            check=False,
        ).stdout.split()
        if found:
            return found[-1].decode()
        time.sleep(0.1)
    raise SystemExit("the painted window does not come")


def measure(command: list[str] | None, server: int, display: str, seconds: float) -> tuple[float, float]:
    if command is None:
        before = cpu(server)
        time.sleep(seconds)
        return 0.0, (cpu(server) - before) / seconds * 100
    with running(command, display) as program:
        time.sleep(2)
        before = cpu(program.pid), cpu(server)
        time.sleep(seconds)
        if program.poll() is not None:
            raise SystemExit(f"{command[0]} ended: {program.returncode}")
        return (cpu(program.pid) - before[0]) / seconds * 100, (cpu(server) - before[1]) / seconds * 100


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seconds", type=float, default=10)
    arguments.add_argument("--repeat", type=int, default=3)
    options = arguments.parse_args()
    screen = ["Xvfb", "-displayfd", "1", "-screen", "0", "2000x1200x24", "-noreset"]
    print("| window | program | own CPU % | X server CPU % more |\n|---|---|---|---|")
    for still in (False, True):
        with running(screen) as server:
            assert server.stdout is not None
            display = f":{server.stdout.readline().decode().strip()}"
            with running(painter(still), display):
                window = window_of(display)
                rename = ["xdotool", "set_window", "--name", "painted", window]
                subprocess.run(rename, env=dict(os.environ) | {"DISPLAY": display}, check=True)
                time.sleep(2)
                grab = [
                    "-f",
                    "x11grab",
                    "-framerate",
                    "60",
                    "-draw_mouse",
                    "0",
                    "-window_id",
                    window,
                    "-i",
                    display,
                ]
                programs = {
                    "livekit": [sys.executable, "-c", OURS],
                    "ffmpeg x11grab": ["ffmpeg", "-v", "error", *grab, "-c", "copy", "-f", "null", "-"],
                    "ximagesrc": [
                        *["gst-launch-1.0", "-q", "ximagesrc", f"xid={window}", "show-pointer=false", "!"],
                        *["video/x-raw,framerate=60/1", "!", "fakesink"],
                    ],
                }
                results: dict[str, list[tuple[float, float]]] = {name: [] for name in programs}
                for _ in range(options.repeat):
                    idle = measure(None, server.pid, display, options.seconds)[1]
                    for name, command in programs.items():
                        own, more = measure(command, server.pid, display, options.seconds)
                        results[name].append((own, more - idle))
        for name, runs in results.items():
            own, more = sorted(runs)[len(runs) // 2]
            print(f"| {'still' if still else '1080p60'} | {name} | {own:.1f} | {more:.1f} |", flush=True)


if __name__ == "__main__":
    main()
