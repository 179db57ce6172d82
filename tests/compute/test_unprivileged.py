"""A node that is not root: sandbox level 2, tried as the user `nobody` when the tests themselves are root."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

import pytest

SYSTEM_PYTHON = f"/usr/bin/python3.{sys.version_info.minor}"
ROOT = Path(__file__).parents[2]
SCRIPT = """
import asyncio, json, sys
from pathlib import Path
from tests.compute.functions import Functions, document
CODE = {
    "hello": "import os\\ndef handler(e, c): return [os.getuid(), os.getpid(), sorted(os.listdir('/')), os.path.exists('/root/.bashrc')]\\n",
    "tmp": "def handler(e, c):\\n try:\\n  open('/tmp/x', 'wb').write(b'x' * (20 << 20))\\n except OSError as x: return x.errno\\n",
    "write": "def handler(e, c):\\n try:\\n  open('/var/task/x', 'w')\\n except OSError as x: return x.errno\\n",
    "kill": "import os\\ndef handler(e, c): os.kill(-1, 9)\\n",
    "sleep": "import time\\ndef handler(e, c): time.sleep(60)\\n",
}
async def main():
    functions = Functions(Path(sys.argv[1]), 2)
    answers = {name: document(await functions.run(code, tmp_mb=10, timeout_s=1)) for name, code in CODE.items()}
    answers["level"] = functions.compute.describe()["sandbox"]["level"]
    await functions.compute.stop()
    print(json.dumps(answers))
asyncio.run(main())
"""


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("setpriv"), reason="needs root, to be somebody else")
def test_functions_are_sandboxed_without_root() -> None:
    if not Path(SYSTEM_PYTHON).exists():
        pytest.skip(f"needs {SYSTEM_PYTHON}, as nobody may not use ours")
    with tempfile.TemporaryDirectory(prefix="nobody-") as home:  # not pytest's, which is shut to everybody else by every run that begins
        os.chown(home, 65534, 65534)
        ran = _ran(Path(home))
    assert ran.returncode == 0, ran.stderr
    answers = json.loads(ran.stdout)
    if answers["level"] != 2:
        pytest.skip("this host gives nobody no user namespace")
    uid, pid, top, seen = answers["hello"]
    assert (uid, pid, seen) == (993, 2, False)
    assert {"var", "tmp", "opt"} <= set(top)
    assert answers["tmp"] == 28
    assert answers["write"] in (13, 30)
    assert answers["kill"]["errorType"] == "ProcessLookupError"  # there is nobody else
    assert answers["sleep"]["errorType"] == "Sandbox.Timedout"


def _ran(home: Path) -> subprocess.CompletedProcess[str]:
    paths = os.pathsep.join([str(ROOT), str(ROOT / "src"), sysconfig.get_path("purelib")])
    command = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", SYSTEM_PYTHON, "-c", SCRIPT, str(home)]
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": paths, "HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False, cwd=home)
