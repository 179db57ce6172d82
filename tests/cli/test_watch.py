"""`tule deploy --watch` puts saved files live, past the stack where it can, and by the stack where it must."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.node import Account
from tests.services.lambda_.test_end_to_end import eventually

TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Globals:
  Function:
    Runtime: python3.12
    Handler: app.handler
    CodeUri: src/
Resources:
  Hello:
    Type: AWS::Serverless::Function
    Properties:
      Environment: { Variables: { GREETING: hello } }
  Other:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: other/
      AutoPublishAlias: live
"""
CODE = "import os\ndef handler(event, context):\n    return os.environ.get('GREETING', '') + ' %s'\n"


def _heed_interrupts() -> None:
    """Whatever runs the tests may have asked to be spared, and its children with it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Watching:
    """A running `tule deploy --watch`."""

    def __init__(self, place: Path, aws: Account) -> None:
        command = [str(Path(sys.executable).with_name("tule")), "deploy", str(place), "--stack-name", "app", "--watch"]
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=aws.environment(), cwd=place, preexec_fn=_heed_interrupts
        )
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                self.lines.append(line.rstrip())

    def said(self, pattern: str, times: int = 1) -> list[str]:
        """The lines that match, once there are so many."""

        def found() -> list[str] | None:
            lines = [line for line in self.lines if re.search(pattern, line)]
            return lines if len(lines) >= times else None

        return eventually(found, 60.0)

    def stop(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(20)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "template.yaml").write_text(TEMPLATE)
    for name in ("src", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "app.py").write_text(CODE % "one")
    return tmp_path


@pytest.fixture
def watching(project: Path, aws: Account) -> Iterator[Watching]:
    running = Watching(project, aws)
    running.said("^Watching")
    yield running
    if running.process.poll() is None:
        running.process.kill()
        running.process.wait(20)


def answers(aws: Account, logical_id: str) -> Callable[[], Any]:
    name = aws.cloudformation.describe_stack_resource(StackName="app", LogicalResourceId=logical_id)["StackResourceDetail"]["PhysicalResourceId"]
    return lambda qualifier="$LATEST": json.load(aws.lambda_.invoke(FunctionName=name, Qualifier=qualifier)["Payload"])


def test_saved_code_is_live_without_the_stack(watching: Watching, project: Path, aws: Account) -> None:
    hello = answers(aws, "Hello")
    assert hello() == "hello one"
    updated = aws.cloudformation.describe_stacks(StackName="app")["Stacks"][0].get("LastUpdatedTime")
    (project / "src" / "app.py").write_text(CODE % "two")
    (said,) = watching.said("Hello is live after")
    assert hello() == "hello two"
    assert float(said.rpartition("after ")[2].removesuffix(" s")) < 1.0
    assert aws.cloudformation.describe_stacks(StackName="app")["Stacks"][0].get("LastUpdatedTime") == updated
    assert not any("Other is live" in line for line in watching.lines)


def test_an_alias_that_is_published_moves_along(watching: Watching, project: Path, aws: Account) -> None:
    other: Any = answers(aws, "Other")
    assert other("live") == " one"
    (project / "other" / "app.py").write_text(CODE % "two")
    watching.said("Other is live after")
    assert other("live") == " two"


def test_a_changed_template_deploys_the_stack(watching: Watching, project: Path, aws: Account) -> None:
    hello = answers(aws, "Hello")
    (project / "template.yaml").write_text(TEMPLATE.replace("GREETING: hello", "GREETING: goodbye"))
    watching.said("^Watching", 2)
    assert hello() == "goodbye one"
    (project / "src" / "app.py").write_text(CODE % "two")
    watching.said("Hello is live after")
    assert hello() == "goodbye two"


def test_what_goes_wrong_is_said_and_the_watch_goes_on(watching: Watching, project: Path, aws: Account) -> None:
    (project / "template.yaml").write_text("Resources: [")
    watching.said("template.yaml cannot be read")
    (project / "template.yaml").write_text(TEMPLATE)
    watching.said("is up to date")
    (project / "src" / "app.py").write_text(CODE % "two")
    watching.said("Hello is live after")
    assert watching.stop() == 0
