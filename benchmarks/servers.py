"""Servers under measurement: started in a process group of their own, weighed, killed."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


class Server:
    """One server on a port of its own.  `start` returns the seconds until it answered its first request."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._home = Path(tempfile.mkdtemp(prefix=f"bench-{name}-"))
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def data(self) -> Path:
        """Where Tule keeps its data."""
        return self._home / "data"

    def _command(self) -> tuple[list[str], dict[str, str]]:
        if self.name == "tule":
            return [sys.executable, "-m", "tule.cli.main", "up", "--port", str(self.port), "--data", str(self.data)], {}
        binaries = ROOT / ".bench" / self.name / "bin"
        environment = {"GATEWAY_PORT": str(self.port), "PORT": str(self.port), "LAMBDA_EXECUTOR": "local", "PERSIST_STATE": "1"}
        return [str(binaries / self.name)], environment | {"STATE_DIR": str(self._home), "PATH": f"{binaries}:{os.environ['PATH']}"}

    def start(self) -> float:
        command, environment = self._command()
        began = time.perf_counter()
        self._process = subprocess.Popen(
            command,
            cwd=self._home,
            env=os.environ | environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=_pin_to_first_core,
        )
        while not self._answers():
            if self._process.poll() is not None or time.perf_counter() - began > 60:
                raise RuntimeError(f"{self.name} did not start")
            time.sleep(0.005)
        return time.perf_counter() - began

    def kill(self) -> None:
        if self._process is not None:
            for pid in self._tree():
                _kill(pid)
            self._process.wait()

    def close(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(15)
            except subprocess.TimeoutExpired:
                self.kill()
        shutil.rmtree(self._home, ignore_errors=True)

    def pss_mb(self) -> float:
        """Proportional memory of the server and every process below it."""
        total = 0
        for pid in self._tree():
            try:
                rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
            except OSError:
                continue
            total += next((int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:")), 0)
        return total / 1024

    def cpu_seconds(self) -> float:
        """Processor time of the server and every process below it: what it costs, however busy the host is."""
        ticks = 0
        for pid in self._tree():
            try:
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(self.url + "/_localstack/health", timeout=1):
                return True
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False

    def _tree(self) -> list[int]:
        assert self._process is not None
        children: dict[int, list[int]] = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    stat = (entry / "stat").read_text()
                except OSError:
                    continue
                children.setdefault(int(stat.rpartition(")")[2].split()[1]), []).append(int(entry.name))
        found = [self._process.pid]
        for pid in found:
            found += children.get(pid, [])
        return found


def _pin_to_first_core() -> None:
    """Client and server each have a core, where there are two."""
    cores = sorted(os.sched_getaffinity(0))
    if os.environ.get("BENCH_PIN", "1") == "1" and len(cores) > 1:
        os.sched_setaffinity(0, cores[:1])


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
