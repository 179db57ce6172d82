"""The AWS SDKs that AWS's runtimes carry: boto3 for Python; the JavaScript SDK v3 for Node.js 18 and newer, v2 before.

boto3 comes out of the node's own environment, each package of it and nothing else.  What pip or npm have to bring (boto3 for
Pythons too old for the node's own, the JavaScript SDKs) is installed once into a directory of the user's by `make install`,
which runs `python -m tule.compute.sdks`.

AWS: Lambda developer guide, runtime-included SDK versions.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from tule.compute.runtimes import installed_nodes, installed_pythons

PACKAGES = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "urllib3", "six")
_OLDEST_OWN = (3, 10)  # Python that the node's own botocore still runs on
_JAVASCRIPT_V2 = ("aws-sdk@2",)
_CLIENTS = (
    "acm amplify api-gateway apigatewaymanagementapi apigatewayv2 application-auto-scaling appsync budgets cloudformation cloudfront"
    " cloudfront-keyvaluestore cloudtrail cloudwatch cloudwatch-logs codedeploy cognito-identity cognito-identity-provider cognito-sync"
    " database-migration-service dynamodb dynamodb-streams elasticache eventbridge firehose iam kinesis kms lambda opensearch pipes rds"
    " rds-data resource-groups-tagging-api route-53 s3 s3-control scheduler schemas secrets-manager ses sesv2 sfn sns sqs ssm sts wafv2 xray"
)
_JAVASCRIPT_V3 = (
    *(f"@aws-sdk/client-{name}@3" for name in _CLIENTS.split()),
    *("@aws-sdk/lib-dynamodb@3", "@aws-sdk/lib-storage@3", "@aws-sdk/util-dynamodb@3"),
    *("@aws-sdk/s3-request-presigner@3", "@aws-sdk/s3-presigned-post@3", "@aws-sdk/credential-providers@3"),
)


def home() -> Path:
    """Where installed SDKs are kept, for all installations of the user: `TULE_SDK_HOME`, else in the user's data directory."""
    given = os.environ.get("TULE_SDK_HOME")
    return Path(given) if given else Path(os.environ.get("XDG_DATA_HOME", Path.home() / ".local/share")) / "tule" / "sdk"


def python_sdk(version: str, data: Path) -> Path | None:
    """A directory to put on the path of Python `version` (`3.12`), or None when there is no boto3 for it here."""
    if _number(version) >= _OLDEST_OWN:
        return _own_packages(data / "sdk")
    installed = home() / f"python{version}"
    return installed if os.path.isdir(installed) else None


def javascript_sdks() -> dict[int, Path]:
    """node_modules directories by the SDK's major version, of those that are installed."""
    found = {version: home() / f"javascript-v{version}" / "node_modules" for version in (2, 3)}
    return {version: path for version, path in found.items() if os.path.isdir(path)}


@cache
def _own_packages(directory: Path) -> Path:
    """The node's own boto3 and what it needs, by links, so that a function sees them and no other package of the node."""
    import botocore

    whole = directory / f"python-{botocore.__version__}"
    if not whole.exists():
        directory.mkdir(parents=True, exist_ok=True)
        unfinished = Path(tempfile.mkdtemp(dir=directory, prefix=f"{whole.name}."))
        unfinished.chmod(0o755)
        for name in PACKAGES:
            spec = find_spec(name)
            if spec is None or spec.origin is None:
                continue
            origin = Path(spec.origin)
            if origin.name == "__init__.py":
                shutil.copytree(origin.parent, unfinished / name, copy_function=_link)  # with what is compiled: inside it is read-only
            else:
                _link(str(origin), str(unfinished / origin.name))
        try:
            unfinished.rename(whole)
        except OSError:  # another node on the same directory was first
            shutil.rmtree(unfinished)
    return whole


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)  # with its time, which what is compiled is compared with


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def install() -> None:
    """Bring what the node's environment does not have, for the interpreters of this host; says what it could not get."""
    for version in sorted(installed_pythons()):
        if _number(version) < _OLDEST_OWN:
            _install_boto3(version)
    if installed_nodes():
        if shutil.which("npm") is None:
            print("npm is not installed: Node.js functions get no AWS SDK of the runtime's own.")
            return
        _install_javascript(3, _JAVASCRIPT_V3)
        _install_javascript(2, _JAVASCRIPT_V2)


def _install_boto3(version: str) -> None:
    target = home() / f"python{version}"
    if target.is_dir():
        return
    print(f"Installing boto3 for python{version} functions ...")
    unfinished = _empty(target)
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if _ran([*command, "--python-version", version, "--only-binary", ":all:", "--target", str(unfinished), "boto3"], unfinished):
        unfinished.rename(target)


def _install_javascript(version: int, packages: tuple[str, ...]) -> None:
    target = home() / f"javascript-v{version}"
    wanted = json.dumps(packages)
    stamp = target / ".packages"
    if stamp.is_file() and stamp.read_text() == wanted:
        return
    print(f"Installing the JavaScript SDK v{version} for Node.js functions ...")
    unfinished = _empty(target)
    (unfinished / "package.json").write_text('{"private": true}')
    if _ran(["npm", "install", "--silent", "--no-audit", "--no-fund", "--no-save", *packages], unfinished):
        (unfinished / ".packages").write_text(wanted)
        shutil.rmtree(target, ignore_errors=True)
        unfinished.rename(target)


def _empty(target: Path) -> Path:
    unfinished = target.with_name(f"{target.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    return unfinished


def _ran(command: list[str], directory: Path) -> bool:
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"  could not be installed: {(done.stderr or done.stdout).strip().splitlines()[-1:]}")
    return done.returncode == 0


if __name__ == "__main__":
    install()
