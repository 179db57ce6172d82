"""A node that is killed with -9 leaves no process of a function behind."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest

from tests.compute.conftest import LEVELS
from tests.compute.test_limits import alive, until
from tule.compute.inside import processes

SCRIPT = """
import asyncio, json, sys
from pathlib import Path
from tests.compute.functions import Functions
CODE = "import subprocess\\ndef handler(e, c):\\n    subprocess.Popen(['sleep', '600'], start_new_session=True)\\n"
async def main():
    functions = Functions(Path(sys.argv[1]), int(sys.argv[2]))
    await functions.run(CODE)
    print(json.dumps([pid for sandbox in functions.compute.sandboxes() for pid in sandbox.roots]), flush=True)
    await asyncio.sleep(600)
asyncio.run(main())
"""


@pytest.mark.parametrize("level", LEVELS)
async def test_nothing_outlives_a_killed_node(tmp_path: Path, level: int) -> None:
    tmp_path.chmod(0o755)
    command = [sys.executable, "-c", SCRIPT, str(tmp_path), str(level)]
    node = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, cwd=Path(__file__).parents[2])
    assert node.stdout is not None
    roots = json.loads(await node.stdout.readline())
    inside = [pid for root in roots for pid in [root, *processes.descendants(root)]]
    assert len(inside) >= 2
    node.kill()
    await node.wait()
    await until(lambda: not any(alive(pid) for pid in inside))
