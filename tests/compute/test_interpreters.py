"""Which interpreter stands in for a runtime whose version is not installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tule.compute import runtimes
from tule.compute.compute import FunctionUnavailable
from tule.compute.runtimes import find_interpreter


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    found = {version: Path(f"/usr/bin/python{version}") for version in ("3.9", "3.11", "3.13")}
    monkeypatch.setattr(runtimes, "installed_pythons", lambda: found)
    monkeypatch.setattr(runtimes, "_python_prefixes", lambda path: ())


def package(directory: Path, *modules: str) -> Path:
    (directory / "PIL").mkdir(parents=True)
    for module in modules:
        (directory / "PIL" / module).touch()
    return directory


def version(runtime: str, *packages: Path) -> str:
    found = find_interpreter(runtime, packages)
    assert found is not None
    return found.version


def test_the_nearest_stands_in_the_newer_before_the_older() -> None:
    assert (version("python3.14"), version("python3.12"), version("python3.10"), version("python3.8")) == ("3.13", "3.13", "3.11", "3.9")


def test_a_package_runs_on_the_python_that_its_native_modules_are_built_for(tmp_path: Path) -> None:
    native = package(tmp_path / "native", "_imaging.cpython-311-x86_64-linux-gnu.so")
    plain = package(tmp_path / "plain", "image.py", "_fast.abi3.so")
    assert version("python3.14", plain, native) == "3.11"
    assert version("python3.14", plain) == "3.13"
    found = find_interpreter("python3.14", [native])
    assert found is not None
    assert found.warning.endswith("python 3.11 stands in for it, as the package has native modules that are built for it.")


def test_what_is_installed_runs_whatever_the_package_holds(tmp_path: Path) -> None:
    native = package(tmp_path / "native", "_imaging.cpython-311-x86_64-linux-gnu.so")
    assert version("python3.13", native) == "3.13"
    with pytest.raises(FunctionUnavailable):
        find_interpreter("python3.14", [native], strict=True)


def test_modules_built_for_what_is_not_here_change_nothing(tmp_path: Path) -> None:
    assert version("python3.14", package(tmp_path / "native", "_imaging.cpython-312-x86_64-linux-gnu.so")) == "3.13"
