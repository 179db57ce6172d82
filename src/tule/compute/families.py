"""The runtime families of this host: which one runs a runtime's name, with which interpreter and SDK."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache, cached_property
from pathlib import Path

from tule.compute import sdks
from tule.compute.compute import FunctionUnavailable
from tule.compute.java_family import JavaFamily
from tule.compute.java_trust import trust_store
from tule.compute.jvms import Jvm, find_jvm, installed_jvms
from tule.compute.node_family import NodeFamily
from tule.compute.python_family import PythonFamily
from tule.compute.ruby_family import RubyFamily
from tule.compute.runtime_api import ProvidedRuntime
from tule.compute.runtime_contract import Interpreter, Runtime
from tule.compute.runtimes import find_interpreter, installed_nodes, installed_pythons, installed_rubies


class InstalledRuntimes:
    """Implements `runtime_contract.Runtimes` by what is installed.  `data` is where links to the node's own boto3 are kept."""

    def __init__(self, data: Path, *, extra_certificates: str = "", strict: bool = False) -> None:
        self._data = data
        self._extra_certificates = extra_certificates
        self._strict = strict

    def family(self, runtime: str) -> Runtime:
        if runtime.startswith("python"):
            return self._python
        if runtime.startswith("nodejs"):
            return self._node
        if runtime.startswith("java"):
            return self._java
        if runtime.startswith("ruby"):
            return self._ruby
        if runtime.startswith("provided") or runtime == "go1.x":
            return self._provided
        raise FunctionUnavailable(f"The runtime {runtime} is not implemented by Tule yet.")

    def prefixes(self) -> Sequence[Path]:
        found = [find_interpreter(f"nodejs{version}.x") for version in installed_nodes()]
        found += [find_interpreter(f"ruby{version}") for version in installed_rubies()]
        own = [prefix for interpreter in found if interpreter is not None for prefix in interpreter.prefixes]
        return [*own, *dict.fromkeys(prefix for version, place in installed_jvms().items() for prefix in Jvm(version, place).prefixes)]

    def warning(self, runtime: str, packages: Sequence[Path] = ()) -> str:
        try:
            if runtime.startswith("java"):
                return find_jvm(runtime).warning
            found = find_interpreter(runtime, packages)
        except FunctionUnavailable as error:
            return str(error)
        return found.warning if found is not None else ""

    def describe(self) -> Mapping[str, object]:
        pythons = {f"python{version}": str(path) for version, path in installed_pythons().items()}
        nodes = {f"nodejs{version}.x": str(path) for version, path in installed_nodes().items()}
        javas = {f"java{version}": str(place / "bin" / "java") for version, place in installed_jvms().items()}
        rubies = {f"ruby{version}": str(path) for version, path in installed_rubies().items()}
        return {**pythons, **nodes, **javas, **rubies, "provided": "any bootstrap that this host can execute"}

    @cached_property
    def _python(self) -> PythonFamily:
        return PythonFamily(self._interpreter, lambda version: sdks.python_sdk(version, self._data))

    @cached_property
    def _node(self) -> NodeFamily:
        return NodeFamily(sdks.javascript_sdks(), self._extra_certificates, self._strict)

    @cached_property
    def _java(self) -> JavaFamily:
        if not self._extra_certificates:
            return JavaFamily(self._strict)
        trust = cache(lambda: trust_store(self._data / "authority", self._data))
        return JavaFamily(self._strict, trust)

    @cached_property
    def _ruby(self) -> RubyFamily:
        return RubyFamily(self._strict)

    @cached_property
    def _provided(self) -> ProvidedRuntime:
        return ProvidedRuntime()

    def _interpreter(self, runtime: str, packages: Sequence[Path]) -> Interpreter:
        found = find_interpreter(runtime, packages, strict=self._strict)
        if found is None:
            raise FunctionUnavailable(f"no interpreter for {runtime} on this host")
        return found
