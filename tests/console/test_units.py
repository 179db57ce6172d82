"""The console's own unit tests, and the size of what a browser first loads."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tule.server.console import BUILT

SOURCES = Path(__file__).parents[2] / "console"
FIRST_LOAD_BYTES = 150 * 1024

pytestmark = pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")


@pytest.fixture(scope="module", autouse=True)
def _tools() -> None:
    if not (SOURCES / "node_modules" / ".bin" / "vitest").exists():
        subprocess.run(["npm", "ci", "--loglevel=error"], cwd=SOURCES, check=True)


@pytest.mark.parametrize("script", ["test", "check"])
def test_the_consoles_own_script_passes(script: str) -> None:
    done = subprocess.run(["npm", "run", "--silent", script], cwd=SOURCES, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_first_load_is_small_and_comes_from_here_alone() -> None:
    subprocess.run([SOURCES.parent / "scripts" / "build_console"], check=True, timeout=300)
    page = (BUILT / "index.html").read_text()
    linked = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert all(link.startswith("/_console/") for link in linked)
    assert len(page) + sum((BUILT / link.removeprefix("/_console/")).stat().st_size for link in linked) < FIRST_LOAD_BYTES


def test_the_lock_file_names_no_registry() -> None:
    assert '"resolved"' not in (SOURCES / "package-lock.json").read_text()
