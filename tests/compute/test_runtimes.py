"""Which interpreter runs a runtime's name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tule.compute import runtimes
from tule.compute.compute import FunctionUnavailable
from tule.compute.families import InstalledRuntimes

PYTHONS = {"3.9": Path("/usr/bin/python3.9"), "3.12": Path("/usr/bin/python3.12")}
NODES = {"18": Path("/usr/bin/node18"), "22": Path("/usr/bin/node")}


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtimes, "installed_pythons", lambda: PYTHONS)
    monkeypatch.setattr(runtimes, "installed_nodes", lambda: NODES)
    monkeypatch.setattr(runtimes, "_python_prefixes", lambda path: ())


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("runtime", "version", "warning"),
    [
        ("python3.12", "3.12", ""),
        ("python3.8", "3.9", "python3.8 is not installed on this host: python 3.9 stands in for it."),
        ("python3.10", "3.9", "python3.10 is not installed on this host: python 3.9 stands in for it."),
        ("python3.11", "3.12", "python3.11 is not installed on this host: python 3.12 stands in for it."),
        ("python3.14", "3.12", "python3.14 is not installed on this host: python 3.12 stands in for it."),
        ("nodejs18.x", "18", ""),
        ("nodejs20.x", "22", "nodejs20.x is not installed on this host: node 22 stands in for it."),
        ("nodejs16.x", "18", "nodejs16.x is not installed on this host: node 18 stands in for it."),
    ],
)
def test_the_nearest_version_stands_in_and_says_so(tmp_path: Path, runtime: str, version: str, warning: str) -> None:
    found = runtimes.find_interpreter(runtime)
    assert found is not None
    assert (found.version, found.warning, found.exact) == (version, warning, not warning)
    assert InstalledRuntimes(tmp_path).warning(runtime) == warning


@pytest.mark.usefixtures("installed")
def test_a_strict_node_takes_the_version_itself_or_none(tmp_path: Path) -> None:
    found = runtimes.find_interpreter("python3.12", strict=True)
    assert found is not None and found.exact
    with pytest.raises(FunctionUnavailable, match=r"python3\.11 is not installed"):
        runtimes.find_interpreter("python3.11", strict=True)
    strict = InstalledRuntimes(tmp_path, strict=True)
    for runtime in ("python3.11", "nodejs20.x"):
        with pytest.raises(FunctionUnavailable, match="is not installed"):
            strict.family(runtime).launch(runtime, None)


def test_a_family_that_is_not_there_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtimes, "installed_nodes", dict[str, Path])
    with pytest.raises(FunctionUnavailable, match=r"nodejs20\.x is not installed"):
        runtimes.find_interpreter("nodejs20.x")
    assert "nodejs20.x is not installed" in InstalledRuntimes(tmp_path).warning("nodejs20.x")
    with pytest.raises(FunctionUnavailable, match=r"dotnet8 is not implemented by Tule yet"):
        InstalledRuntimes(tmp_path).family("dotnet8")
    assert InstalledRuntimes(tmp_path).warning("provided.al2023") == ""


@pytest.fixture
def nothing_cached() -> Iterator[None]:
    for looked_up in (runtimes._pythons, runtimes._nodes):
        looked_up.cache_clear()
    yield
    for looked_up in (runtimes._pythons, runtimes._nodes):
        looked_up.cache_clear()


def executable(path: Path, text: str = "#!/bin/sh\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


@pytest.mark.usefixtures("nothing_cached")
def test_versions_are_found_where_people_install_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    on_path = executable(tmp_path / "bin" / "python3.12")
    executable(tmp_path / "env" / "bin" / "python3.13")
    (tmp_path / "env" / "pyvenv.cfg").write_text("")
    executable(tmp_path / "shims" / "python3.13")
    in_pyenv = executable(tmp_path / "pyenv" / "versions" / "3.13.1" / "bin" / "python3.13")
    by_uv = executable(tmp_path / "uv" / "cpython-3.14.0" / "bin" / "python3.14")
    by_nvm = executable(tmp_path / "nvm" / "versions" / "node" / "v22.1.0" / "bin" / "node", "#!/bin/sh\necho v22.1.0\n")
    executable(tmp_path / "nvm" / "versions" / "node" / "v9.0.0" / "bin" / "node", "#!/bin/sh\nexit 1\n")
    monkeypatch.setenv("PATH", ":".join(str(tmp_path / name) for name in ("bin", "env/bin", "shims", "missing")) + ":/bin:/usr/bin")
    for name, place in (("PYENV_ROOT", "pyenv"), ("UV_PYTHON_INSTALL_DIR", "uv"), ("NVM_DIR", "nvm")):
        monkeypatch.setenv(name, str(tmp_path / place))
    pythons = runtimes.installed_pythons()
    assert (pythons["3.12"], pythons["3.13"], pythons["3.14"]) == (on_path, in_pyenv, by_uv)
    assert runtimes.installed_nodes()["22"] == by_nvm


def test_only_what_a_sandbox_does_not_show_is_a_prefix() -> None:
    places = [Path(text) for text in ("/usr/lib/x", "/home/me/.pyenv/3.12", "/home/me/.pyenv/3.12/bin", "/usrlocal/x", "/opt/python")]
    assert set(runtimes.outside(places)) == {Path("/home/me/.pyenv/3.12"), Path("/usrlocal/x"), Path("/opt/python")}
