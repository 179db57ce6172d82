"""Every runtime of Lambda's, and what runs it on this host."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tule.compute.compute import FunctionUnavailable
from tule.compute.jvms import JAVA_VERSIONS, find_jvm
from tule.compute.runtimes import NODE_VERSIONS, PYTHON_VERSIONS, RUBY_VERSIONS, find_interpreter

_AL2 = {"8": "java8.al2"}


@dataclass(slots=True, frozen=True)
class RuntimeName:
    """`program` is empty where nothing here runs it; `exact` is False where another version stands in."""

    name: str
    version: str = ""
    program: str = ""
    exact: bool = True


def runtime_names() -> Iterator[RuntimeName]:
    for name in (*(f"python{version}" for version in PYTHON_VERSIONS), *(f"nodejs{version}.x" for version in NODE_VERSIONS)):
        yield _found(name, _interpreter)
    for version in JAVA_VERSIONS:
        yield _found(_AL2.get(version, f"java{version}"), _jvm)
    for version in RUBY_VERSIONS:
        yield _found(f"ruby{version}", _interpreter)
    for name in ("provided.al2", "provided.al2023"):
        yield RuntimeName(name, "", "the function's own bootstrap")


def _found(name: str, find: Callable[[str], RuntimeName]) -> RuntimeName:
    try:
        return find(name)
    except FunctionUnavailable:
        return RuntimeName(name)


def _interpreter(name: str) -> RuntimeName:
    found = find_interpreter(name)
    assert found is not None
    return RuntimeName(name, found.version, str(found.executable), found.exact)


def _jvm(name: str) -> RuntimeName:
    found = find_jvm(name)
    if found.compiler is None:
        raise FunctionUnavailable(f"{found.home} has no compiler")
    return RuntimeName(name, found.version, str(found.executable), found.exact)
