"""What `tule deploy` builds and packages before anything is deployed."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import shutil
import zipfile
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from tule.cli.package import Packager

needs_npm = pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")


class Bucket:
    """Where packages go in these tests."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.said: list[str] = []

    def upload(self, content: bytes, suffix: str) -> tuple[str, str]:
        key = hashlib.sha256(content).hexdigest() + suffix
        self.objects[key] = content
        return "bucket", key

    def package(self, directory: Path, resources: dict[str, Any], **more: Any) -> dict[str, Any]:
        """The resources of the packaged template."""
        path = directory / "template.yaml"
        path.write_text(yaml.safe_dump({"Resources": resources, **more}))
        return Packager(self.upload, self.said.append).package(path)["Resources"]

    def files(self, where: Any) -> dict[str, bytes]:
        """What is in the package that a property names."""
        key = where["S3Key"] if isinstance(where, dict) else where.removeprefix("s3://bucket/")
        with zipfile.ZipFile(io.BytesIO(self.objects[key])) as archive:
            return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture
def bucket() -> Bucket:
    return Bucket()


def function(**properties: Any) -> dict[str, Any]:
    return {"Type": "AWS::Serverless::Function", "Properties": {"Handler": "app.handler", "Runtime": "python3.11", **properties}}


def write(directory: Path, **files: str) -> Path:
    for name, text in files.items():
        path = directory / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return directory


def wheel(directory: Path, name: str, code: str) -> str:
    """A wheel made by hand, so that pip needs no index; its file name."""
    file = f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    files = {
        f"{name}.py": code,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    lines = [f"{path},sha256={_hash(text)},{len(text)}" for path, text in files.items()]
    directory.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(directory / file, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
        archive.writestr(f"{info}/RECORD", "\n".join([*lines, f"{info}/RECORD,,", ""]))
    return file


def _hash(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


def python_project(directory: Path) -> Path:
    file = wheel(directory, "tiny", "VALUE = 1\n")
    return write(directory, app_dot_py="import tiny\n", requirements_dot_txt=f"./{file}\n")


def test_python_code_is_built_with_what_it_requires(bucket: Bucket, tmp_path: Path) -> None:
    python_project(tmp_path / "src")
    made = bucket.package(tmp_path, {"F": function(CodeUri="src/")})
    files = bucket.files(made["F"]["Properties"]["CodeUri"])
    assert files["tiny.py"] == b"VALUE = 1\n"
    assert files["app.py"] == b"import tiny\n"
    assert not any("__pycache__" in name for name in files)


def test_a_build_is_kept_until_what_it_was_made_of_changes(bucket: Bucket, tmp_path: Path) -> None:
    source = python_project(tmp_path / "src")
    first = bucket.package(tmp_path, {"F": function(CodeUri="src")})["F"]["Properties"]["CodeUri"]
    kept = sorted(path.name for path in (tmp_path / ".aws-sam" / "tule").glob("pip-*"))
    assert bucket.package(tmp_path, {"F": function(CodeUri="src")})["F"]["Properties"]["CodeUri"] == first
    assert sorted(path.name for path in (tmp_path / ".aws-sam" / "tule").glob("pip-*")) == kept
    wheel(source, "tiny", "VALUE = 2\n")
    again = bucket.package(tmp_path, {"F": function(CodeUri="src")})["F"]["Properties"]["CodeUri"]
    assert bucket.files(again)["tiny.py"] == b"VALUE = 2\n"


def test_packages_depend_on_content_alone(bucket: Bucket, tmp_path: Path) -> None:
    for name in ("one", "two"):
        write(tmp_path / name, app_dot_py="x = 1\n", deep__b_dot_py="", a_dot_py="")
        os.utime(tmp_path / name / "app.py", (1, 1) if name == "one" else None)
    made = bucket.package(tmp_path, {name: function(CodeUri=name) for name in ("one", "two")})
    assert made["one"]["Properties"]["CodeUri"] == made["two"]["Properties"]["CodeUri"]


def test_modes_are_kept_and_litter_is_left_out(bucket: Bucket, tmp_path: Path) -> None:
    write(tmp_path, bootstrap="#!/bin/sh\n", x_dot_pyc="", __pycache____x_dot_py="")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config").write_text("secret")
    (tmp_path / "bootstrap").chmod(0o755)
    uri = bucket.package(tmp_path, {"F": function(CodeUri=".", Runtime="provided.al2023")})["F"]["Properties"]["CodeUri"]
    with zipfile.ZipFile(io.BytesIO(bucket.objects[uri.removeprefix("s3://bucket/")])) as archive:
        modes = {entry.filename: entry.external_attr >> 16 for entry in archive.infolist()}
    assert modes["bootstrap"] == 0o755
    assert modes["template.yaml"] == 0o644
    assert not any(name.startswith((".git", "__pycache__", ".aws-sam")) or name.endswith(".pyc") for name in modes)


def test_functions_that_share_their_code_are_built_once(bucket: Bucket, tmp_path: Path) -> None:
    python_project(tmp_path / "src")
    made = bucket.package(tmp_path, {"A": function(CodeUri="src"), "B": function(CodeUri="./src/", Handler="b.handler")})
    assert made["A"]["Properties"]["CodeUri"] == made["B"]["Properties"]["CodeUri"]
    assert bucket.said == ["Building src ..."]


def test_globals_give_code_and_runtime(bucket: Bucket, tmp_path: Path) -> None:
    python_project(tmp_path / "src")
    made = bucket.package(
        tmp_path,
        {"F": {"Type": "AWS::Serverless::Function", "Properties": {"Handler": "app.handler"}}},
        Globals={"Function": {"CodeUri": "src", "Runtime": "python3.11"}},
    )
    assert "tiny.py" in bucket.files(made["F"]["Properties"]["CodeUri"])


@needs_npm
def test_nodejs_code_is_built_with_its_dependencies_and_no_others(bucket: Bucket, tmp_path: Path) -> None:
    source = tmp_path / "src"
    manifest = {"dependencies": {"local": "file:./local"}, "devDependencies": {"tool": "file:./tool"}}
    write(source, app_dot_js="require('local')", package_dot_json=json.dumps(manifest))
    write(source / "local", package_dot_json='{"name": "local", "version": "1.0.0"}', index_dot_js="exports.a = 1")
    write(source / "tool", package_dot_json='{"name": "tool", "version": "1.0.0"}')
    write(source / "node_modules" / "stale", index_dot_js="old")
    made = bucket.package(tmp_path, {"F": function(CodeUri="src", Runtime="nodejs20.x")})
    files = bucket.files(made["F"]["Properties"]["CodeUri"])
    assert files["node_modules/local/index.js"] == b"exports.a = 1"
    assert "app.js" in files
    assert not any("stale" in name or name.startswith("node_modules/tool") for name in files)


def test_nodejs_code_without_dependencies_is_taken_as_it_is(bucket: Bucket, tmp_path: Path) -> None:
    write(tmp_path / "src", app_dot_js="", package_dot_json='{"type": "module"}', node_modules__own__index_dot_js="kept")
    made = bucket.package(tmp_path, {"F": function(CodeUri="src", Runtime="nodejs20.x")})
    assert bucket.files(made["F"]["Properties"]["CodeUri"])["node_modules/own/index.js"] == b"kept"


def test_a_broken_manifest_is_told(bucket: Bucket, tmp_path: Path) -> None:
    write(tmp_path / "src", package_dot_json="{")
    with pytest.raises(click.ClickException, match=r"is not a package\.json"):
        bucket.package(tmp_path, {"F": function(CodeUri="src", Runtime="nodejs20.x")})


def test_what_pip_cannot_get_is_told(bucket: Bucket, tmp_path: Path) -> None:
    write(tmp_path / "src", requirements_dot_txt="./nosuch-1.0-py3-none-any.whl\n")
    with pytest.raises(click.ClickException, match="nosuch"):
        bucket.package(tmp_path, {"F": function(CodeUri="src")})
    assert not list((tmp_path / ".aws-sam" / "tule").glob("build-*"))


def test_layers_are_built_into_the_directory_that_runtimes_search(bucket: Bucket, tmp_path: Path) -> None:
    python_project(tmp_path / "layer")
    write(tmp_path / "plain", lib_dot_py="")
    write(tmp_path / "raw", python__lib_dot_py="")
    layer = {"Type": "AWS::Serverless::LayerVersion"}
    made = bucket.package(
        tmp_path,
        {
            "Built": layer | {"Properties": {"ContentUri": "layer"}, "Metadata": {"BuildMethod": "python3.11"}},
            "Plain": layer | {"Properties": {"ContentUri": "plain", "CompatibleRuntimes": ["python3.11"]}, "Metadata": {"BuildMethod": "python3.11"}},
            "Raw": layer | {"Properties": {"ContentUri": "raw", "CompatibleRuntimes": ["python3.11"]}},
        },
    )
    assert {"python/tiny.py", "python/app.py"} <= bucket.files(made["Built"]["Properties"]["ContentUri"]).keys()
    assert bucket.files(made["Plain"]["Properties"]["ContentUri"]).keys() == {"python/lib.py"}
    assert bucket.files(made["Raw"]["Properties"]["ContentUri"]).keys() == {"python/lib.py"}


def test_archives_inline_code_images_and_remote_code_are_left_alone(bucket: Bucket, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "ready.zip", "w") as archive:
        archive.writestr("app.py", "ready")
    made = bucket.package(
        tmp_path,
        {
            "Zip": function(CodeUri="ready.zip"),
            "Inline": function(InlineCode="x = 1"),
            "Remote": function(CodeUri="s3://other/key"),
            "Object": function(CodeUri={"Bucket": "b", "Key": "k"}),
            "Image": {"Type": "AWS::Serverless::Function", "Properties": {"PackageType": "Image", "ImageUri": "x"}},
            "Plain": {"Type": "AWS::Lambda::Function", "Properties": {"Code": {"ZipFile": "x"}}},
        },
    )
    assert bucket.files(made["Zip"]["Properties"]["CodeUri"]) == {"app.py": b"ready"}
    assert made["Remote"]["Properties"]["CodeUri"] == "s3://other/key"
    assert made["Object"]["Properties"]["CodeUri"] == {"Bucket": "b", "Key": "k"}
    assert made["Plain"]["Properties"]["Code"] == {"ZipFile": "x"}
    assert len(bucket.objects) == 1


def test_plain_functions_and_definitions_are_uploaded(bucket: Bucket, tmp_path: Path) -> None:
    write(tmp_path / "src", app_dot_py="")
    write(tmp_path, machine_dot_json="{}")
    made = bucket.package(
        tmp_path,
        {
            "F": {"Type": "AWS::Lambda::Function", "Properties": {"Code": "src", "Runtime": "python3.11"}},
            "M": {"Type": "AWS::Serverless::StateMachine", "Properties": {"DefinitionUri": "machine.json"}},
        },
    )
    assert bucket.files(made["F"]["Properties"]["Code"]) == {"app.py": b""}
    assert bucket.objects[made["M"]["Properties"]["DefinitionUri"]["Key"]] == b"{}"


def test_nested_stacks_are_packaged_where_they_stand(bucket: Bucket, tmp_path: Path) -> None:
    write(tmp_path / "child" / "src", app_dot_py="child")
    (tmp_path / "child" / "template.yaml").write_text(yaml.safe_dump({"Resources": {"F": function(CodeUri="src")}}))
    made = bucket.package(tmp_path, {"S": {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": "child/template.yaml"}}})
    key = made["S"]["Properties"]["TemplateURL"].removeprefix("https://s3.amazonaws.com/bucket/")
    child = json.loads(bucket.objects[key])
    assert bucket.files(child["Resources"]["F"]["Properties"]["CodeUri"]) == {"app.py": b"child"}


def test_a_path_that_is_not_there_is_told(bucket: Bucket, tmp_path: Path) -> None:
    with pytest.raises(click.ClickException, match="nowhere does not exist"):
        bucket.package(tmp_path, {"F": function(CodeUri="nowhere")})


@pytest.mark.parametrize(("method", "said"), [("makefile", "BuildMethod makefile is not implemented"), ("esbuild", "npm install --save-dev esbuild")])
def test_a_way_of_building_that_is_not_there_is_told(bucket: Bucket, tmp_path: Path, method: str, said: str) -> None:
    write(tmp_path / "src", app_dot_js="")
    with pytest.raises(click.ClickException, match=said):
        bucket.package(tmp_path, {"F": function(CodeUri="src", Runtime="nodejs20.x") | {"Metadata": {"BuildMethod": method}}})


def test_esbuild_is_the_projects_own(bucket: Bucket, tmp_path: Path) -> None:
    """A stand-in that writes down how it was called."""
    script = """#!/bin/sh
for word in "$@"; do
  case $word in --outdir=*) echo "$@" > "${word#--outdir=}/app.js";; esac
done
"""
    tool = write(tmp_path / "node_modules" / ".bin", esbuild=script)
    (tool / "esbuild").chmod(0o755)
    write(tmp_path / "src", app_dot_ts="")
    properties = {"EntryPoints": ["app.ts"], "Minify": True, "Target": "es2022", "External": ["@aws-sdk/*"], "MainFields": ["module", "main"]}
    resource = function(CodeUri="src", Runtime="nodejs20.x") | {"Metadata": {"BuildMethod": "esbuild", "BuildProperties": properties}}
    made = bucket.package(tmp_path, {"F": resource})
    called = bucket.files(made["F"]["Properties"]["CodeUri"])["app.js"].decode().split()
    assert called[0] == "app.ts"
    expected = {"--bundle", "--platform=node", "--format=cjs", "--target=es2022", "--minify", "--external:@aws-sdk/*", "--main-fields=module,main"}
    assert expected <= set(called)


def test_a_resource_may_skip_its_build(bucket: Bucket, tmp_path: Path) -> None:
    python_project(tmp_path / "src")
    made = bucket.package(tmp_path, {"F": function(CodeUri="src") | {"Metadata": {"SkipBuild": True}}})
    assert "tiny.py" not in bucket.files(made["F"]["Properties"]["CodeUri"])
