"""`tule doctor`: what it says, and that it leaves nothing behind."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from tule.cli.doctor import doctor
from tule.compute import diagnosis
from tule.compute.diagnosis import diagnose
from tule.compute.probe import Features
from tule.core.config import Config


def test_it_tells_in_words_and_in_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TULE_DATA", str(tmp_path))
    words, data = CliRunner().invoke(doctor, []), CliRunner().invoke(doctor, ["--json"])
    assert (words.exit_code, data.exit_code) == (0, 0)
    found = json.loads(data.output)
    assert {"python", "nodejs", "java", "ruby", "provided"} <= {finding["topic"] for finding in found}
    assert found[0]["topic"] == "sandbox"
    assert {"topic", "state", "good", "advice"} == found[0].keys()
    for finding in found:
        assert f"{finding['topic']}: {finding['state']}" in words.output


def test_it_leaves_no_control_group_behind(tmp_path: Path) -> None:
    diagnose(Config(data=str(tmp_path)))
    assert list(Path("/sys/fs/cgroup").glob(f"**/tule-{os.getpid()}")) == []


def test_it_makes_no_data_directory(tmp_path: Path) -> None:
    findings = diagnose(Config(data=str(tmp_path / "not" / "yet")))
    assert any(finding.topic == "disk" and str(tmp_path) in finding.state for finding in findings)
    assert list(tmp_path.iterdir()) == []


def test_it_says_when_functions_do_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnosis, "probe", lambda: Features(4, reasons={"user": "not permitted"}))
    monkeypatch.setattr(diagnosis, "installed_nodes", dict[str, Path])
    found = {finding.topic: finding for finding in diagnose(Config(data=str(tmp_path), sandbox_minimum=2))}
    assert not found["sandbox"].good
    assert "WITHOUT ISOLATION" in found["sandbox"].state
    assert found["sandbox feature user"].state == "missing: not permitted"
    assert found["functions"].state == "do not run: the configured minimum is level 2"
    assert found["nodejs"].state == "not installed"
