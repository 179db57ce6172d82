"""Node.js functions: workers that are started ahead and speak the same frames as Python's instances.

A worker is `node inside/nodejs/bootstrap.cjs`: starting node takes a tenth of a second, so it is parked before its function is
known; loading the function's code is all that is left for its first invocation.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tule.compute.compute import FunctionSpec, FunctionUnavailable
from tule.compute.python_family import PythonLink
from tule.compute.runtime_contract import Answer, InitFailed, Launch, Mount, Spawned, SpawnRequest
from tule.compute.runtimes import find_interpreter
from tule.compute.wrappers import wrapper_of

BOOTSTRAP = Path(__file__).with_name("inside") / "nodejs" / "bootstrap.cjs"
SDK_ROOT = "/var/runtime/node_modules"
CRASHED = b"C"  # a frame besides those of Python's instances: the error document of a process that ends now
_LAST_ROOTED_LEVEL = 2  # sandboxes below have no root of their own: host paths are used as they are
_SDK_V2_UP_TO = 16  # AWS: nodejs16.x and older carry the JavaScript SDK v2, later ones v3


@dataclass(slots=True)
class NodeFamily:
    """`sdks` are node_modules directories by the SDK's major version (2, 3), where they are installed."""

    sdks: Mapping[int, Path]
    extra_certificates: str = ""  # a file inside; node reads it at its start, which is before the function's variables are known
    strict: bool = False
    parkable: bool = True

    def launch(self, runtime: str, function: FunctionSpec | None) -> Launch:
        interpreter = find_interpreter(runtime, strict=self.strict)
        if interpreter is None:
            raise FunctionUnavailable(f"no interpreter for {runtime} on this host")
        sdk = self._sdk(runtime)
        return SpawnRequest(
            argv=(str(interpreter.executable.resolve()), str(BOOTSTRAP)),
            env={"PATH": "/usr/bin:/bin"} | ({"NODE_EXTRA_CA_CERTS": self.extra_certificates} if self.extra_certificates else {}),
            cwd="/",
            mounts=() if sdk is None else (Mount(sdk, SDK_ROOT),),
            control=True,
            wrapper=wrapper_of(function),
        )

    def environment(self, function: FunctionSpec) -> Mapping[str, str]:
        version = _version(function.runtime)
        paths = (f"/opt/nodejs/node{version}/node_modules", "/opt/nodejs/node_modules", SDK_ROOT, "/var/runtime", "/var/task")
        return {
            "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.runtime}",
            "NODE_PATH": ":".join(paths),
            # Another Node.js may stand in for the one that the function names: the SDK need not warn of that in its log.
            "AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED": "true",
        }

    def connect(self, function: FunctionSpec, spawned: Spawned, loop: asyncio.AbstractEventLoop) -> NodeLink:
        if spawned.level > _LAST_ROOTED_LEVEL:
            spawned.environment = {**spawned.environment, "NODE_PATH": self._host_paths(function, spawned)}
        return NodeLink(function, spawned, loop)

    def _host_paths(self, function: FunctionSpec, spawned: Spawned) -> str:
        """NODE_PATH where the function sees the host's own directories."""
        shown = {"/opt": spawned.opt_root, "/var/task": spawned.task_root}
        sdk = self._sdk(function.runtime)
        if sdk is not None:
            shown[SDK_ROOT] = str(sdk)
        return ":".join(_moved(path, shown) for path in spawned.environment["NODE_PATH"].split(":"))

    def _sdk(self, runtime: str) -> Path | None:
        return self.sdks.get(2 if _version(runtime) <= _SDK_V2_UP_TO else 3)


def _moved(path: str, shown: Mapping[str, str]) -> str:
    for inside, outside in shown.items():
        if path == inside or path.startswith(f"{inside}/"):
            return outside + path[len(inside) :]
    return path


class NodeLink(PythonLink):
    """As Python's, but a process can tell its last error before it ends: its instance serves no more."""

    async def _ask(self, raw: bytes, answer: Answer | None) -> tuple[bytes, bytes]:
        kind, body = await super()._ask(raw, answer)
        if kind == CRASHED:
            raise InitFailed("Runtime.ExitError", body)
        return kind, body


def _version(runtime: str) -> int:
    return int(runtime.removeprefix("nodejs").partition(".")[0])
