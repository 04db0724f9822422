# SPDX-License-Identifier: GPL-2.0-or-later
"""What it costs to capture a window: ours, ffmpeg's x11grab and GStreamer's ximagesrc, taking turns.

A private X server (Xvfb) shows a 1080p window that GStreamer paints 60 times a second. CPU milliseconds for each frame
captured, of the program and of the X server; what starting and the first frames cost, and what the painting costs the
server, is taken away. Then what a window that stands still costs us. Needs xvfb, xdotool, gstreamer1.0-x and
gstreamer1.0-plugins-good.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median

OURS = """
import sys, time
import LiveKit as lk
with lk.WindowCapture(title="painted") as capture:
    while capture.frames < int(sys.argv[1]):
        time.sleep(0.1)
"""
STILL = """
import time
import LiveKit as lk
viewer = lk.Viewer(1920, 1080, "painted")
while viewer.draw():
    time.sleep(0.1)
"""
SIZE = "video/x-raw,format=BGRx,width=1920,height=1080,framerate=60/1"
PAINTER = f"gst-launch-1.0 -q videotestsrc is-live=true pattern=ball ! {SIZE} ! ximagesink sync=false".split()
FIRST = 60
"""Frames that are not counted: programs and the memory they share with the server come to themselves."""
TICKS = os.sysconf("SC_CLK_TCK")


def cpu(pid: int) -> float:
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def on(display: str) -> dict[str, str]:
    return dict(os.environ) | {"DISPLAY": display}


@contextmanager
def running(command: list[str], display: str | None = None) -> Iterator[subprocess.Popen[bytes]]:
    quiet = subprocess.DEVNULL
    environment = on(display) if display else None
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=quiet, stdin=quiet
    ) as program:
        try:
            yield program
        finally:
            program.kill()


@contextmanager
def painted(painter: list[str]) -> Iterator[tuple[int, str, str]]:
    """The server's process, the display and the window, painted and called so."""
    screen = ["Xvfb", "-displayfd", "1", "-screen", "0", "2000x1200x24", "-noreset"]
    with running(screen) as server:
        assert server.stdout is not None
        display = f":{server.stdout.readline().decode().strip()}"
        with running(painter, display):
            for _ in range(200):
                search = ["xdotool", "search", "--name", "gst-launch-1.0|painted"]
                found = subprocess.run(
                    search, env=on(display), capture_output=True, check=False
                ).stdout.split()
                if found:
                    window = found[-1].decode()
                    subprocess.run(
                        ["xdotool", "set_window", "--name", "painted", window], env=on(display), check=True
                    )
                    time.sleep(2)
                    yield server.pid, display, window
                    return
                time.sleep(0.1)
            raise SystemExit("the painted window does not come")


def cost(command: list[str], server: int, display: str) -> tuple[float, float, float]:
    """CPU seconds of the program and of the server, and seconds."""
    begin, before = time.monotonic(), cpu(server)
    program = subprocess.Popen(command, env=on(display), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    _, status, used = os.wait4(program.pid, 0)
    if status:
        raise SystemExit(f"{command[0]} failed: {program.stderr and program.stderr.read()!r}")
    return used.ru_utime + used.ru_stime, cpu(server) - before, time.monotonic() - begin


def programs(display: str, window: str, frames: int) -> dict[str, list[str]]:
    grab = ["-f", "x11grab", "-framerate", "60", "-draw_mouse", "0", "-window_id", window, "-i", display]
    source = ["ximagesrc", f"xid={window}", "show-pointer=false", f"num-buffers={frames}"]
    sink = ["!", "video/x-raw,framerate=60/1", "!", "fakesink"]
    return {
        "livekit": [sys.executable, "-c", OURS, str(frames)],
        "ffmpeg x11grab": [
            "ffmpeg",
            "-v",
            "error",
            *grab,
            "-frames:v",
            str(frames),
            "-c",
            "copy",
            "-f",
            "null",
            "-",
        ],
        # by itself it fetches what was damaged, and that not in shared memory
        "ximagesrc": ["gst-launch-1.0", "-q", *source, *sink],
        "ximagesrc use-damage=false": ["gst-launch-1.0", "-q", *source, "use-damage=false", *sink],
    }


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--frames", type=int, default=300)
    arguments.add_argument("--repeat", type=int, default=3)
    options = arguments.parse_args()
    print(
        "| program | own CPU, ms a frame | X server's CPU, ms a frame | frames a second |\n|---|---|---|---|"
    )
    with painted(PAINTER) as (server, display, window):
        results: dict[str, list[tuple[float, float, float]]] = {}
        for _ in range(options.repeat):
            before = cpu(server)
            time.sleep(3)
            idle = (cpu(server) - before) / 3
            long, short = (programs(display, window, n) for n in (FIRST + options.frames, FIRST))
            for name, command in long.items():
                all_of_it, start = cost(command, server, display), cost(short[name], server, display)
                own, theirs, seconds = (a - b for a, b in zip(all_of_it, start, strict=True))
                per_frame = 1000 / options.frames
                row = (own * per_frame, (theirs - idle * seconds) * per_frame, options.frames / seconds)
                results.setdefault(name, []).append(row)
        for name, rows in results.items():
            own, theirs, rate = (median(column) for column in zip(*rows, strict=True))
            least, most = min(row[0] for row in rows), max(row[0] for row in rows)
            print(
                f"| {name} | {own:.3f} ({least:.3f} to {most:.3f}) | {theirs:.2f} | {rate:.0f} |", flush=True
            )
        print(f"\nmedians of {options.repeat} turns (least and most); load {os.getloadavg()[0]:.1f}")
    with (
        painted([sys.executable, "-c", STILL]) as (_, display, _),
        running([sys.executable, "-c", OURS, "1000000"], display) as ours,
    ):
        time.sleep(3)
        before = cpu(ours.pid)
        time.sleep(10)
        print(
            f"\nA window that stands still: {(cpu(ours.pid) - before) * 10:.1f} % of a core (its 10 looks a second too)"
        )


if __name__ == "__main__":
    main()
