"""Wrapper scripts: a program of the function's own that is started in place of the runtime, with the runtime's command as arguments.

The wrapper may change the command and the variables, and executes it in the end.
AWS: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-modify.html#runtime-wrapper
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from tule.compute.compute import FunctionSpec
from tule.compute.runtime_contract import InitFailed

VARIABLE = "AWS_LAMBDA_EXEC_WRAPPER"
_STARTS = (b"#!", b"\x7fELF", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe")  # what a kernel executes: scripts, and programs of Linux and macOS


def wrapper_of(function: FunctionSpec | None) -> str:
    """The wrapper's path inside, or nothing.  AWS: custom runtimes have none, since their bootstrap can do the same."""
    return "" if function is None else function.environment.get(VARIABLE, "")


def unusable(function: FunctionSpec) -> str:
    """Why the function's wrapper cannot be executed; else empty."""
    wrapper = wrapper_of(function)
    return unusable_program(wrapper, on_host(function, wrapper)) if wrapper else ""


def on_host(function: FunctionSpec, place: str) -> Path:
    """The file that an instance finds at `place`; of several layers the last lies on top."""
    if place.startswith("/opt/"):
        found = [layer / place[len("/opt/") :] for layer in reversed(function.layers)]
        return next((path for path in found if os.path.lexists(path)), Path(place))
    return function.code / place[len("/var/task/") :] if place.startswith("/var/task/") else Path(place)


def unusable_program(place: str, path: Path) -> str:
    """Why `path`, which is `place` inside, cannot be executed; else empty.  What a link leads to is found out by trying."""
    if path.is_symlink():
        return ""
    if not path.exists():
        return f"fork/exec {place}: no such file or directory"
    if path.is_dir() or not path.stat().st_mode & 0o111:
        return f"fork/exec {place}: permission denied"
    with path.open("rb") as file:
        return "" if file.read(4).startswith(_STARTS) else f"fork/exec {place}: exec format error"


def invalid_entrypoint(why: str) -> InitFailed:
    """What Lambda answers when there is nothing that it can execute."""
    message = f"RequestId:  Error: {why}"  # the request's id is filled in by who knows it
    document = {"errorType": "Runtime.InvalidEntrypoint", "errorMessage": message}
    return InitFailed("Runtime.InvalidEntrypoint", json.dumps(document, separators=(",", ":")).encode())
