# SPDX-License-Identifier: GPL-2.0-or-later
"""A PipeWire session of a test's own: its folder, its bus, its servers, and two speakers that nobody hears."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

PROGRAMS = ("dbus-daemon", "pipewire", "wireplumber", "pipewire-pulse", "pactl", "setpriv")
SPEAKERS = """
context.objects = [
    { factory = adapter
      args = { factory.name = support.null-audio-sink  node.name = speaker  node.description = "Big Speaker"
               media.class = Audio/Sink  audio.position = [ FL FR ]  priority.session = 2000 } }
    { factory = adapter
      args = { factory.name = support.null-audio-sink  node.name = phones  node.description = "Headphones"
               media.class = Audio/Sink  audio.position = [ FL FR ]  priority.session = 1000 } }
]
"""
# Steps as PipeWire chooses them where it sees that it is in a virtual machine: what comes some 10 ms late is in time.
STEPS = {
    "pipewire": "context.properties = { default.clock.min-quantum = 1024 }",
    "pipewire-pulse": "pulse.properties = { pulse.min.quantum = 1024/48000 }",
}


def missing() -> str | None:
    """The first program that is not installed."""
    return next((p for p in PROGRAMS if shutil.which(p) is None), None)


def until(done: Callable[[], object], what: str) -> None:
    """Waits until ``done()`` is true."""
    end = time.monotonic() + 60
    while not done():
        assert time.monotonic() < end, f"never: {what}"
        time.sleep(0.01)


def pactl(*arguments: str) -> str:
    """What ``pactl`` says; nothing if it fails."""
    done = subprocess.run(["pactl", *arguments], capture_output=True, text=True, check=False, timeout=60)
    return done.stdout


class Session:
    """The servers, and the environment in which programs find them."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="lk-sound-"))
        for server, text in STEPS.items():
            config = self.folder / f"config/pipewire/{server}.conf.d"
            config.mkdir(parents=True)
            (config / "steps.conf").write_text(text, encoding="utf-8")
        (self.folder / "config/pipewire/pipewire.conf.d/speakers.conf").write_text(SPEAKERS, encoding="utf-8")
        (self.folder / "state").mkdir()
        self.environment = {
            "XDG_RUNTIME_DIR": str(self.folder),
            "PIPEWIRE_RUNTIME_DIR": str(self.folder),
            "PULSE_RUNTIME_PATH": str(self.folder / "pulse"),
            "XDG_CONFIG_HOME": str(self.folder / "config"),
            "XDG_STATE_HOME": str(self.folder / "state"),
            "DBUS_SESSION_BUS_ADDRESS": f"unix:path={self.folder / 'bus'}",
            "PULSE_SERVER": f"unix:{self.folder / 'pulse/native'}",
        }
        self.servers: list[subprocess.Popen[bytes]] = []
        self.bus: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts everything; the environment has to be in force."""
        address = self.environment["DBUS_SESSION_BUS_ADDRESS"]
        self.bus = self._spawn("dbus-daemon", "--session", "--nofork", "--nopidfile", "--address", address)
        until((self.folder / "bus").exists, "a message bus")
        self.start_servers()

    def _spawn(self, *command: str) -> subprocess.Popen[bytes]:
        # gone with the tests, however they end
        quiet = subprocess.DEVNULL
        whole = ["setpriv", "--pdeathsig", "KILL", *command]
        return subprocess.Popen(
            whole, env=os.environ | self.environment, stdin=quiet, stdout=quiet, stderr=quiet
        )

    def start_servers(self) -> None:
        """
        Starts the servers and waits until they have their devices. WirePlumber was seen never to name a default, for
        a minute: then all are started again.
        """
        for _ in range(3):
            self.servers = [self._spawn("pipewire")]
            until((self.folder / "pipewire-0").exists, "PipeWire's socket")
            self.servers += [self._spawn("wireplumber"), self._spawn("pipewire-pulse")]
            end = time.monotonic() + 20
            while time.monotonic() < end:
                if "Default Sink: speaker" in pactl("info") and "phones" in pactl("list", "short", "sinks"):
                    return
                time.sleep(0.01)
            print("the sound servers have no devices: they are started again")
            self.kill_servers()
        raise AssertionError("never: both speakers, one of them the default")

    def kill_servers(self) -> None:
        """Kills the servers, as a crash would."""
        for server in reversed(self.servers):
            server.kill()
            server.wait()
        self.servers = []
        for name in ("pipewire-0", "pipewire-0.lock", "pulse/native", "pulse/pid"):
            (self.folder / name).unlink(missing_ok=True)

    def stop(self) -> None:
        """Ends it and leaves nothing behind."""
        self.kill_servers()
        if self.bus:
            self.bus.kill()
            self.bus.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
