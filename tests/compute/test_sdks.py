"""The SDKs that functions find without bringing them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tule.compute import sdks


def test_functions_see_boto3_and_no_other_package_of_the_node(tmp_path: Path) -> None:
    found = sdks.python_sdk("3.12", tmp_path)
    assert found is not None
    assert {"boto3", "botocore", "s3transfer", "jmespath", "dateutil", "urllib3", "six.py"} == {path.name for path in found.iterdir()}
    command = [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.append({str(found)!r}); import boto3; print(boto3.__version__)"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_boto3_is_copied_where_it_cannot_be_linked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on another file system."""

    def refuse(source: str, target: str) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    found = sdks.python_sdk("3.12", tmp_path)
    assert found is not None
    assert (found / "boto3" / "__init__.py").stat().st_nlink == 1


def test_two_nodes_that_start_together_share_one(tmp_path: Path) -> None:
    script = f"from pathlib import Path; from tule.compute import sdks; print(sdks.python_sdk('3.12', Path({str(tmp_path)!r})))"
    nodes = [subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) for _ in range(3)]
    said = {node.communicate()[0].strip() for node in nodes}
    assert [node.returncode for node in nodes] == [0, 0, 0]
    assert len(said) == 1
    assert [path.name for path in (tmp_path / "sdk").iterdir()] == [Path(said.pop()).name]


def test_an_older_python_has_its_own_or_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TULE_SDK_HOME", str(tmp_path))
    assert sdks.python_sdk("3.8", tmp_path) is None
    (tmp_path / "python3.8").mkdir()
    assert sdks.python_sdk("3.8", tmp_path) == tmp_path / "python3.8"


def test_without_npm_there_is_no_javascript_sdk_and_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TULE_SDK_HOME", str(tmp_path))
    monkeypatch.setattr(sdks, "installed_pythons", dict[str, Path])
    monkeypatch.setattr(sdks, "installed_nodes", lambda: {"20": Path("/usr/bin/node")})
    monkeypatch.setattr("shutil.which", lambda name: None)
    sdks.install()
    assert "npm is not installed: Node.js functions get no AWS SDK" in capsys.readouterr().out
    assert sdks.javascript_sdks() == {}


def test_what_could_not_be_installed_is_said_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tool = tmp_path / "bin" / "npm"
    tool.parent.mkdir()
    tool.write_text("#!/bin/sh\necho no way there >&2\nexit 1\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tool.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("TULE_SDK_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(sdks, "installed_pythons", dict[str, Path])
    monkeypatch.setattr(sdks, "installed_nodes", lambda: {"20": Path("/usr/bin/node")})
    sdks.install()
    assert capsys.readouterr().out.count("no way there") == 2
    assert sdks.javascript_sdks() == {}
    tool.write_text("#!/bin/sh\nmkdir node_modules\n")
    sdks.install()
    assert sdks.javascript_sdks().keys() == {2, 3}


CLIENT_AHEAD = """
import os, sys
import boto3, botocore.loaders
from tule.compute.inside import sdk_clients

os.makedirs(os.path.expanduser("~"), exist_ok=True)
steps = sdk_clients.steps()
for step in steps:
    step()
read = []
load = botocore.loaders.JSONFileLoader.load_file
botocore.loaders.JSONFileLoader.load_file = lambda self, path: read.append(os.path.basename(path)) or load(self, path)
made = dict(region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="b")
print(boto3.Session().client("s3", **made).meta.region_name, boto3.Session().resource("dynamodb", **made).meta.service_name, read)
os.makedirs(os.path.expanduser("~/.aws/models"))
boto3.Session().client("s3", **made)
print("service-2" in read)
"""


def test_clients_that_are_made_ahead_spare_later_ones_their_reading(tmp_path: Path) -> None:
    command = [sys.executable, "-c", CLIENT_AHEAD]
    done = subprocess.run(command, env={"HOME": str(tmp_path / "home")}, capture_output=True, text=True, timeout=120)
    assert done.stdout.splitlines() == ["eu-west-1 dynamodb []", "True"], done.stderr
