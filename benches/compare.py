#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Our scenes against ffmpeg and GStreamer: CPU time a frame, as a table in Markdown.

    compare.py --data DIR [--scenes s1,s2,...] [--frames 300] [--repeat 3] [--peers ffmpeg,gstreamer]

Makes the inputs in DIR if they are not there (tools/bench_inputs.sh). Every program reads the same files, puts the same
pictures at the same places and hands out the same format; the lower third is a picture for all of them. The runs of
one scene take turns, so that a busy minute of the machine meets all of them. What counts is the CPU time of the whole
process, start-up and decoding included (as the operating system says when it ends), the median of the repeats: unlike
real time it hardly depends on what else the machine does. For ourselves the steady state is given too.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from scenes import FPS, HEIGHT, SCENES, WIDTH, Part, Scene

ROOT = Path(__file__).resolve().parents[1]
Command = list[str]


@dataclass(frozen=True)
class Job:
    """One scene to be run by anyone."""

    name: str
    scene: Scene
    data: Path
    frames: int
    out: Path

    def path(self, part: Part) -> str:
        return str(self.data / part.file)


# ---- The programs ------------------------------------------------------------------------------------------------


def livekit(job: Job) -> Command:
    script = [sys.executable, str(ROOT / "benches" / "scenes.py")]
    where = ["--data", str(job.data), "--out", str(job.out.with_name("livekit.mp4"))]
    return [*script, "--scene", job.name, "--frames", str(job.frames), *where]


def ffmpeg_prepared(part: Part, number: int, layout: str) -> str:
    """A chain that makes an input what the overlays expect: its size, its layout, and endless if it is a still."""
    steps = []
    if part.size:
        steps.append(f"scale={part.size[0]}:{part.size[1]}:flags=bilinear")
    elif part.file.endswith(".jpg"):
        steps.append("scale=out_range=tv")
    if not part.moves:
        steps.append(f"format={layout}")
        if number == 0:  # overlays repeat their second input by themselves, but not their first
            steps += ["loop=-1:1", f"settb=1/{FPS}", "setpts=N"]
    return f"[{number}:v]{','.join(steps) or 'null'}[p{number}]"


def ffmpeg(job: Job) -> Command:
    parts = job.scene.parts
    rgb = job.scene.output == "bgra"
    command = ["ffmpeg", "-hide_banner", "-loglevel", "error", "-nostdin", "-y"]
    for part in parts:
        command += ["-i", job.path(part)]
    chains = []
    for number, part in enumerate(parts):
        with_alpha = "bgra" if rgb else "yuva420p"
        layout = with_alpha if part.file.endswith(".png") and number else "bgra" if rgb else "yuv420p"
        chains.append(ffmpeg_prepared(part, number, layout))
    if job.name == "s2":  # ffmpeg's own way for tiles
        places = "|".join(f"{part.x}_{part.y}" for part in parts)
        inputs = "".join(f"[p{n}]" for n in range(len(parts)))
        chains.append(f"{inputs}xstack=inputs={len(parts)}:layout={places}[v{len(parts) - 1}]")
    else:
        for number, part in list(enumerate(parts))[1:]:
            below = f"[v{number - 1}]" if number > 1 else "[p0]"
            blend = "format=auto" if rgb else "format=yuv420"
            chains.append(f"{below}[p{number}]overlay={part.x}:{part.y}:{blend}[v{number}]")
    chains.append(f"[v{len(parts) - 1}]format={'bgra' if rgb else 'yuv420p'}[out]")
    command += ["-filter_complex", ";".join(chains), "-map", "[out]", "-frames:v", str(job.frames)]
    if job.scene.output == "x264":
        return [*command, "-c:v", "libx264", "-preset", "veryfast", "-crf", "23", str(job.out)]
    return [*command, "-f", "rawvideo", "/dev/null"]


def gstreamer(job: Job) -> Command:
    """With I420 demanded of the compositor, version 1.22 drops the alpha of its inputs without a word; so scenes with
    alpha are composed in AYUV and converted."""
    parts = job.scene.parts
    rgb = job.scene.output == "bgra"
    alpha = any(part.file.endswith(".png") for part in parts)
    layout = "BGRA" if rgb else "AYUV" if alpha else "I420"
    caps = f"video/x-raw,format={layout},width={WIDTH},height={HEIGHT},framerate={FPS}/1"
    pads = [f"sink_{n}::xpos={part.x} sink_{n}::ypos={part.y}" for n, part in enumerate(parts)]
    pads += [
        f"sink_{n}::width={part.size[0]} sink_{n}::height={part.size[1]}"
        for n, part in enumerate(parts)
        if part.size
    ]
    line = f"compositor name=mix background=black {' '.join(pads)} ! {caps}"
    if layout == "AYUV":
        line += " ! videoconvert n-threads=2 ! video/x-raw,format=I420"
    if job.scene.output == "x264":
        line += (
            f" ! x264enc speed-preset=veryfast pass=qual quantizer=23 ! mp4mux ! filesink location={job.out}"
        )
    else:
        line += f" ! fakesink sync=false num-buffers={job.frames}"
    for number, part in enumerate(parts):
        line += f" filesrc location={job.path(part)}"
        if part.moves:
            line += " ! qtdemux ! h264parse ! avdec_h264 ! queue max-size-buffers=4"
        else:
            kept = f" ! video/x-raw,format={layout}" if part.file.endswith(".png") else ""
            decoder = "pngdec" if part.file.endswith(".png") else "jpegdec"
            line += f" ! {decoder} ! videoconvert{kept} ! imagefreeze num-buffers={job.frames}"
            line += f" ! video/x-raw,framerate={FPS}/1 ! queue max-size-buffers=2"
        line += f" ! mix.sink_{number}"
    return ["gst-launch-1.0", "-q", *line.split()]


@dataclass(frozen=True)
class Program:
    command: Callable[[Job], Command]
    executable: str
    version: tuple[str, ...]


PROGRAMS = {
    "livekit": Program(livekit, sys.executable, ("-c", "import LiveKit; print(LiveKit.__version__)")),
    "ffmpeg": Program(ffmpeg, "ffmpeg", ("-version",)),
    "gstreamer": Program(gstreamer, "gst-launch-1.0", ("--version",)),
}

# ---- Measuring ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Run:
    """CPU milliseconds a frame: of the whole process, and of the steady state if the program says so."""

    whole: float
    steady: float | None


def measure(command: Command, frames: int) -> Run:
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read()
    if process.returncode:
        raise RuntimeError(f"{command[0]} failed ({process.returncode}): {text[-600:].strip()}")
    found = re.search(r"^BENCH frames=(\d+) elapsed=[\d.]+ cpu=([\d.]+)$", text, re.MULTILINE)
    steady = float(found[2]) * 1000 / int(found[1]) if found else None
    return Run((usage.ru_utime + usage.ru_stime) * 1000 / frames, steady)


def compare(job: Job, names: Iterable[str], repeat: int) -> dict[str, Run]:
    runs: dict[str, list[Run]] = {name: [] for name in names}
    for _ in range(repeat):
        for name, done in list(runs.items()):
            try:
                done.append(measure(PROGRAMS[name].command(job), job.frames))
            except RuntimeError as error:
                print(f"{job.name}: {error}", file=sys.stderr)
                del runs[name]
    medians = {}
    for name, done in runs.items():
        steady = [run.steady for run in done if run.steady is not None]
        medians[name] = Run(median(run.whole for run in done), median(steady) if steady else None)
    return medians


# ---- Telling -----------------------------------------------------------------------------------------------------


def cell(run: Run | None, ours: Run | None) -> str:
    if run is None:
        return "–"
    text = f"{run.whole:.1f}"
    if run.steady is not None:
        text += f" ({run.steady:.1f})"
    if ours is not None and run is not ours:
        text += f", {run.whole / ours.whole:.2f} x"
    return text


def machine() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "")
    except OSError:
        model = ""
    return f"{len(os.sched_getaffinity(0))} cores of {model or platform.processor() or platform.machine()}"


def version(name: str) -> str:
    program = PROGRAMS[name]
    done = subprocess.run([program.executable, *program.version], capture_output=True, text=True, check=False)
    words = re.search(r"(?:version |^)(\d[\w.]*)", done.stdout)
    return f"{name} {words[1] if words else '?'}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="the folder of inputs; made if empty")
    parser.add_argument("--scenes", default=",".join(SCENES))
    parser.add_argument("--frames", type=int, default=300)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--peers", default="ffmpeg,gstreamer")
    parser.add_argument("--show", action="store_true", help="print the commands, run nothing")
    options = parser.parse_args()

    if options.show:
        names = ["livekit", *options.peers.split(",")]
    else:
        subprocess.run([str(ROOT / "tools" / "bench_inputs.sh"), str(options.data)], check=True)
        asked = ["livekit", *(name for name in options.peers.split(",") if name)]
        names = [name for name in asked if shutil.which(PROGRAMS[name].executable)]
        for name in set(asked) - set(names):
            print(f"{name} is left out: {PROGRAMS[name].executable} is not installed", file=sys.stderr)
        heads = " | ".join(version(name) for name in names)
        print(
            f"CPU milliseconds a frame, whole process, median of {options.repeat} runs of {options.frames} frames on"
        )
        print(f'{machine()}; in brackets the steady state; "x": times ours.\n')
        print(f"| scene | {heads} |\n|---|{'---|' * len(names)}")

    with tempfile.TemporaryDirectory() as folder:
        for key in options.scenes.split(","):
            out = Path(folder) / "out.mp4"
            job = Job(key, SCENES[key], options.data.resolve(), options.frames, out)
            if options.show:
                for name in names:
                    print(f"{key} {name}:", *PROGRAMS[name].command(job), sep=" ")
                continue
            runs = compare(job, names, options.repeat)
            cells = " | ".join(cell(runs.get(name), runs.get("livekit")) for name in names)
            print(f"| {key} {job.scene.title} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
