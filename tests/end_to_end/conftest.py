"""The thumbnail application, built once, deployed where a test wants it."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.node import Account
from tule.cli.package import Packager

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "thumbnails"
CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]
PATIENCE_S = 45.0


@dataclass(slots=True)
class Package:
    """The example's template with its code taken out, and the code by key."""

    template: dict[str, Any]
    artifacts: dict[str, bytes]


@dataclass(slots=True)
class Thumbnails:
    """The application on one account."""

    account: Account
    stack: str
    outputs: dict[str, str]

    def upload(self, key: str) -> None:
        picture = (EXAMPLE / "picture.jpg").read_bytes()
        self.account.s3.put_object(Bucket=self.outputs["PicturesBucket"], Key=key, Body=picture, ContentType="image/jpeg")

    def made(self) -> set[str]:
        pages = self.account.s3.get_paginator("list_objects_v2").paginate(Bucket=self.outputs["ThumbnailsBucket"])
        return {item["Key"] for page in pages for item in page.get("Contents", [])}

    def wait_for(self, *keys: str) -> None:
        eventually(lambda: set(keys) <= self.made(), f"the thumbnails of {keys}")


def eventually(condition: Callable[[], bool], what: str, patience_s: float = PATIENCE_S) -> None:
    """Wait for a condition that another process brings about."""
    end = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < end, f"{what} did not come about in {patience_s} s"
        time.sleep(0.01)


@pytest.fixture(scope="session")
def package() -> Package:
    artifacts: dict[str, bytes] = {}

    def keep(content: bytes, suffix: str) -> tuple[str, str]:
        key = hashlib.sha256(content).hexdigest()[:32] + suffix
        artifacts[key] = content
        return "ARTIFACTS", key

    template = Packager(keep, lambda text: None).package(EXAMPLE / "template.yaml")
    return Package(template, artifacts)


@pytest.fixture
def deploy_thumbnails(package: Package) -> Callable[[Account], Thumbnails]:
    """Deploy as `aws cloudformation deploy` does: a change set, executed."""

    def deploy(account: Account, stack: str = "thumbs") -> Thumbnails:
        bucket = f"artifacts-{account.id}"
        account.s3.create_bucket(Bucket=bucket)
        for key, content in package.artifacts.items():
            account.s3.put_object(Bucket=bucket, Key=key, Body=content)
        body = json.dumps(package.template).replace("ARTIFACTS", bucket)
        cloudformation = account.cloudformation
        cloudformation.create_change_set(StackName=stack, ChangeSetName="first", ChangeSetType="CREATE", TemplateBody=body, Capabilities=CAPABILITIES)
        quick = {"Delay": 0.05, "MaxAttempts": 600}
        cloudformation.get_waiter("change_set_create_complete").wait(StackName=stack, ChangeSetName="first", WaiterConfig=quick)
        cloudformation.execute_change_set(StackName=stack, ChangeSetName="first")
        cloudformation.get_waiter("stack_create_complete").wait(StackName=stack, WaiterConfig=quick)
        outputs = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["Outputs"]
        return Thumbnails(account, stack, {output["OutputKey"]: output["OutputValue"] for output in outputs})

    return deploy
