"""Node.js functions: workers that are started ahead and speak the same frames as Python's instances.

A worker is `node inside/bootstrap.cjs`: starting node takes a tenth of a second, so it is parked before its function is
known; loading the function's code is all that is left for its first invocation.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tule.compute.compute import FunctionSpec, FunctionUnavailable
from tule.compute.python_family import PythonLink
from tule.compute.runtime_contract import Launch, Mount, Spawned, SpawnRequest
from tule.compute.runtimes import find_interpreter

INSIDE = Path(__file__).with_name("inside")
RUNTIME_ROOT = "/var/runtime/tule"
SDK_ROOT = "/var/runtime/node_modules"
_SDK_V2_UP_TO = 16  # AWS: nodejs16.x and older carry the JavaScript SDK v2, later ones v3


@dataclass(slots=True)
class NodeFamily:
    """`sdks` are node_modules directories by the SDK's major version (2, 3), where they are installed."""

    sdks: Mapping[int, Path]
    strict: bool = False
    listeners: Sequence[str] = ()
    parkable: bool = True

    def launch(self, runtime: str, function: FunctionSpec | None) -> Launch:
        del function
        interpreter = find_interpreter(runtime, strict=self.strict)
        if interpreter is None:
            raise FunctionUnavailable(f"no interpreter for {runtime} on this host")
        mounts = [Mount(INSIDE, RUNTIME_ROOT), *(Mount(prefix, str(prefix)) for prefix in interpreter.prefixes)]
        sdk = self.sdks.get(2 if _version(runtime) <= _SDK_V2_UP_TO else 3)
        if sdk is not None:
            mounts.append(Mount(sdk, SDK_ROOT))
        return SpawnRequest(
            argv=(str(interpreter.executable), f"{RUNTIME_ROOT}/bootstrap.cjs"),
            env={"PATH": "/usr/bin:/bin"},
            cwd="/",
            mounts=tuple(mounts),
            control=True,
        )

    def environment(self, function: FunctionSpec) -> Mapping[str, str]:
        version = _version(function.runtime)
        paths = (f"/opt/nodejs/node{version}/node_modules", "/opt/nodejs/node_modules", SDK_ROOT, "/var/runtime", "/var/task")
        return {"AWS_EXECUTION_ENV": f"AWS_Lambda_{function.runtime}", "NODE_PATH": ":".join(paths)}

    def connect(self, function: FunctionSpec, spawned: Spawned, loop: asyncio.AbstractEventLoop) -> PythonLink:
        return PythonLink(function, spawned, loop)


def _version(runtime: str) -> int:
    return int(runtime.removeprefix("nodejs").partition(".")[0])
