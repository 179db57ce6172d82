"""Real functions for tests: a package in a directory, and a supervisor that runs it."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tule.compute.compute import FunctionSpec, FunctionUnavailable, Invocation
from tule.compute.network_contract import Network
from tule.compute.python_family import PythonFamily
from tule.compute.spawning import own_interpreter
from tule.compute.supervisor import Supervisor
from tule.core.clock import TurnableClock
from tule.core.config import Config
from tule.core.ids import Ids

_numbers = itertools.count(1)
REQUEST_ID = "8f507cfc-0000-4697-b07a-ac58fc914c95"


class OwnPython:
    """Every Python runtime is run by the interpreter of the tests, with the SDK in this directory, if any."""

    def __init__(self, sdk: Path | None = None) -> None:
        self._family = PythonFamily(lambda runtime, packages: own_interpreter(), lambda version: sdk)

    def family(self, runtime: str) -> PythonFamily:
        if not runtime.startswith("python"):
            raise FunctionUnavailable(f"nothing here runs {runtime}")
        return self._family

    def prefixes(self) -> Sequence[Path]:
        return ()

    def warning(self, runtime: str, packages: Sequence[Path] = ()) -> str:
        return "" if runtime == "python3.11" else f"another version stands in for {runtime}"

    def describe(self) -> Mapping[str, object]:
        return {}


class Functions:
    """`await functions.run(code, event)` invokes a new function with this code."""

    def __init__(self, directory: Path, level: int, network: Network | None = None, sdk: Path | None = None, **settings: Any) -> None:
        self.directory = directory
        self.clock = TurnableClock()
        self.compute = Supervisor(
            Config(data=str(directory / "data"), **settings), self.clock, Ids(), network, runtimes=OwnPython(sdk), best_level=level
        )

    def function(self, code: str | Mapping[str, str], **settings: Any) -> FunctionSpec:
        name = f"function-{next(_numbers)}"
        package = self.directory / name
        for path, text in ({"lambda_function.py": code} if isinstance(code, str) else code).items():
            (package / path).parent.mkdir(parents=True, exist_ok=True)
            (package / path).write_text(text)
        fields: dict[str, Any] = {
            "key": f"{name}:$LATEST:1",
            "arn": f"arn:aws:lambda:us-east-1:000000000000:function:{name}",
            "name": name,
            "version": "$LATEST",
            "account": "000000000000",
            "region": "us-east-1",
            "runtime": "python3.11",
            "handler": "lambda_function.handler",
            "code": package,
        }
        return FunctionSpec(**(fields | settings))

    async def run(self, code: str | Mapping[str, str], event: object = None, **settings: Any) -> Invocation:
        return await self.invoke(self.function(code, **settings), event)

    async def invoke(self, function: FunctionSpec, event: object = None, **more: Any) -> Invocation:
        return await self.compute.invoke(function, json.dumps(event).encode(), request_id=REQUEST_ID, **more)

    async def value(self, code: str, event: object = None, **settings: Any) -> Any:
        """What the handler returned; an error is a failure of the test."""
        answer = await self.run(code, event, **settings)
        assert answer.error is None, answer.payload
        return json.loads(answer.payload)


def texts(invocation: Invocation) -> list[str]:
    return [line.text for line in invocation.lines]


def document(invocation: Invocation) -> dict[str, Any]:
    return json.loads(invocation.payload)
