"""Ruby functions: a Ruby of this host with a runtime of ours (inside/ruby), which speaks the Runtime API."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tule.compute.compute import FunctionSpec, FunctionUnavailable
from tule.compute.runtime_api import ApiLink
from tule.compute.runtime_contract import Launch, Spawned, SpawnRequest
from tule.compute.runtimes import find_interpreter
from tule.compute.wrappers import unusable, wrapper_of

BOOTSTRAP = Path(__file__).with_name("inside") / "ruby" / "bootstrap.rb"


@dataclass(slots=True)
class RubyFamily:
    strict: bool = False
    parkable: bool = False  # the program starts with its function's code

    def launch(self, runtime: str, function: FunctionSpec | None) -> Launch:
        interpreter = find_interpreter(runtime, strict=self.strict)
        if interpreter is None:
            raise FunctionUnavailable(f"no interpreter for {runtime} on this host")
        return SpawnRequest(argv=(str(interpreter.executable.resolve()), str(BOOTSTRAP)), wrapper=wrapper_of(function))

    def environment(self, function: FunctionSpec) -> Mapping[str, str]:
        version = f"{function.runtime.removeprefix('ruby')}.0"
        gems = (f"/var/task/vendor/bundle/ruby/{version}", f"/opt/ruby/gems/{version}")
        return {"AWS_EXECUTION_ENV": f"AWS_Lambda_{function.runtime}", "GEM_PATH": ":".join(gems), "RUBYLIB": "/opt/ruby/lib"}

    def connect(self, function: FunctionSpec, spawned: Spawned, loop: asyncio.AbstractEventLoop) -> ApiLink:
        return ApiLink(spawned, loop, unusable(function))
