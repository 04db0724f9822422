#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Our scenes against what others would use: CPU time a frame, as a table in Markdown.

    compare.py --data DIR [--scenes s1,s2,...] [--frames 300] [--repeat 3] [--peers ffmpeg,gstreamer,pyav,opencv]
               [--json FILE]

Makes the inputs in DIR if they are not there (tools/bench_inputs.sh). Every program reads the same files, puts the same
pictures at the same places and hands out the same format; the lower third is a picture for all of them. The runs of
one scene take turns, so that a busy minute of the machine meets all of them. What counts is the CPU time of the whole
process, start-up and decoding included (as the operating system says when it ends), the median of the repeats: unlike
real time it hardly depends on what else the machine does. For ourselves the time after start-up is given too, the
compositing in it (by thread clocks; a second run of 30 frames tells what the first ones took, in which stills are
converted), and the most memory a run had. The Python peers run in --peer-python, which has what
benches/requirements-peers.txt says.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median

from standard import FPS, HEIGHT, SCENES, WIDTH, Part, Scene

ROOT = Path(__file__).resolve().parents[1]
Command = list[str]
START = 30  # frames in which stills are converted and clips begin


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
    elif part.file.endswith(".jpg") and layout != "bgra":
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
        layout = with_alpha if part.has_alpha else "bgra" if rgb else "yuv420p"
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
    command += [
        "-filter_complex",
        ";".join(chains),
        "-map",
        "[out]",
        "-frames:v",
        str(job.frames),
    ]
    if job.scene.output == "x264":
        return [
            *command,
            "-c:v",
            "libx264",
            "-preset",
            "veryfast",
            "-crf",
            "23",
            str(job.out),
        ]
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


def python_peer(name: str) -> Callable[[Job], Command]:
    def command(job: Job) -> Command:
        script = [
            str(peer_python),
            str(ROOT / "benches" / "python_peers.py"),
            name,
            "--scene",
            job.name,
        ]
        return [
            *script,
            "--data",
            str(job.data),
            "--frames",
            str(job.frames),
            "--out",
            str(job.out),
        ]

    return command


peer_python = ROOT / "build" / "bench-venv" / "bin" / "python"


@dataclass(frozen=True)
class Program:
    command: Callable[[Job], Command]
    executable: str
    version: tuple[str, ...]


PROGRAMS = {
    "livekit": Program(livekit, sys.executable, ("-c", "import LiveKit; print(LiveKit.__version__)")),
    "ffmpeg": Program(ffmpeg, "ffmpeg", ("-version",)),
    "gstreamer": Program(gstreamer, "gst-launch-1.0", ("--version",)),
    "pyav": Program(
        python_peer("pyav"),
        str(peer_python),
        ("-c", "import av; print(av.__version__)"),
    ),
    "opencv": Program(
        python_peer("opencv"),
        str(peer_python),
        ("-c", "import cv2; print(cv2.__version__)"),
    ),
}

# ---- Measuring ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Run:
    """CPU milliseconds a frame: of the whole process, and, if the program says so, of the time after start-up and of
    the compositing in it; the most memory it had, in MB."""

    whole: float
    steady: float | None
    compositing: float | None
    resident: float


def measure(command: Command, frames: int) -> Run:
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read()
    if process.returncode:
        raise RuntimeError(f"{command[0]} failed ({process.returncode}): {text[-600:].strip()}")
    line = r"^BENCH frames=(\d+) elapsed=[\d.]+ cpu=([\d.]+) compositing=([\d.]+)"
    found = re.search(line, text, re.MULTILINE)
    each = [float(found[i]) * 1000 / int(found[1]) for i in (2, 3)] if found else [None, None]
    whole = (usage.ru_utime + usage.ru_stime) * 1000 / frames
    return Run(whole, each[0], each[1], usage.ru_maxrss / 1000)


def after_start(command: Callable[[Job], Command], job: Job, whole: Run) -> Run:
    """``whole`` with its compositing without that of the first frames, which a short run tells."""
    if whole.compositing is None or job.frames <= START:
        return whole
    first = measure(command(replace(job, frames=START)), START).compositing or 0.0
    later = whole.compositing * job.frames - first * START
    return replace(whole, compositing=max(later, 0.0) / (job.frames - START))


def compare(job: Job, names: Iterable[str], repeat: int) -> dict[str, Run]:
    runs: dict[str, list[Run]] = {name: [] for name in names}
    for _ in range(repeat):
        for name, done in list(runs.items()):
            try:
                command = PROGRAMS[name].command
                done.append(after_start(command, job, measure(command(job), job.frames)))
            except RuntimeError as error:
                print(f"{job.name}: {error}", file=sys.stderr)
                del runs[name]

    def middle(values: Iterable[float | None]) -> float | None:
        known = [value for value in values if value is not None]
        return median(known) if known else None

    return {
        name: Run(
            median(run.whole for run in done),
            middle(run.steady for run in done),
            middle(run.compositing for run in done),
            median(run.resident for run in done),
        )
        for name, done in runs.items()
    }


# ---- Telling -----------------------------------------------------------------------------------------------------


def row(
    key: str,
    scene: Scene,
    runs: dict[str, Run],
    peers: dict[str, Run],
    names: list[str],
) -> str:
    """A line of the table; ``peers`` are the runs this scene is compared with."""
    ours = runs["livekit"]
    cells = [f"{key} {scene.title}", f"{ours.whole:.1f} ({ours.steady or 0:.2f})"]
    cells += [f"{peers[name].whole:.1f}" if name in peers else "–" for name in names if name != "livekit"]
    best = min((run.whole for run in peers.values()), default=None)
    share = f"{ours.whole / best:.2f}" if best else "–"
    cells.append(f"{share} / {scene.goal.share}" if scene.goal.share else share)
    compositing = f"{ours.compositing or 0:.3f}"
    cells.append(f"{compositing} / {scene.goal.compositing}" if scene.goal.compositing else compositing)
    cells.append(f"{ours.resident:.0f}")
    return f"| {' | '.join(cells)} |"


def machine() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(
            (line.split(":")[1].strip() for line in lines if line.startswith("model name")),
            "",
        )
    except OSError:
        model = ""
    return f"{len(os.sched_getaffinity(0))} cores of {model or platform.processor() or platform.machine()}"


def version(name: str) -> str:
    program = PROGRAMS[name]
    done = subprocess.run(
        [program.executable, *program.version],
        capture_output=True,
        text=True,
        check=False,
    )
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
    parser.add_argument("--peers", default="ffmpeg,gstreamer,pyav,opencv")
    parser.add_argument("--json", type=Path, help="add the figures to this file, for charts.py")
    parser.add_argument("--show", action="store_true", help="print the commands, run nothing")
    options = parser.parse_args()

    asked = ["livekit", *(name for name in options.peers.split(",") if name)]
    names = [name for name in asked if shutil.which(PROGRAMS[name].executable)]
    for name in set(asked) - set(names):
        print(
            f"{name} is left out: {PROGRAMS[name].executable} is not installed",
            file=sys.stderr,
        )
    if not options.show:
        subprocess.run([str(ROOT / "tools" / "bench_inputs.sh"), str(options.data)], check=True)
        heads = [
            "scene",
            *map(version, names),
            "share of the best / goal",
            "compositing / goal",
            "MB",
        ]
        print(f"CPU milliseconds a frame, median of {options.repeat} runs of {options.frames} frames on")
        print(f"{machine()}; whole process, in brackets the steady state.\n")
        print(f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}")

    figures = {"frames": options.frames, "machine": machine(), "scenes": {}}
    if options.json and options.json.exists():
        figures = json.loads(options.json.read_text())
    known: dict[str, dict[str, Run]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for key in options.scenes.split(","):
            scene = SCENES[key]
            job = Job(
                key,
                scene,
                options.data.resolve(),
                options.frames * scene.lengths,
                Path(folder) / "out.mp4",
            )
            own = ["livekit"] if scene.edit else names
            if options.show:
                for name in own:
                    print(f"{key} {name}:", *PROGRAMS[name].command(job), sep=" ")
                continue
            runs = compare(job, own, options.repeat)
            if "livekit" not in runs:
                continue
            known[key] = runs
            peers = known.get(scene.like, {}) if scene.like else runs
            peers = {name: run for name, run in peers.items() if name != "livekit"}
            print(row(key, scene, runs, peers, names), flush=True)
            figures["scenes"][key] = {name: asdict(run) for name, run in runs.items()}
    if options.json and not options.show:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
