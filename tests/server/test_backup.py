"""A backup of a running node, and its restoration on another store."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.node import Account, RunningNode
from tests.postgres import fresh_database

TULE = str(Path(sys.executable).with_name("tule"))


def test_a_backup_of_a_running_node_comes_back_on_the_other_store(start_node, store_kind: str, tmp_path: Path):
    node = start_node()
    account = node.fresh_account()
    account.s3.create_bucket(Bucket="kept")
    account.s3.put_object(Bucket="kept", Key="small", Body=b"s")
    account.s3.put_object(Bucket="kept", Key="large", Body=b"l" * 3_000_000)
    account.logs.create_log_group(logGroupName="/kept")
    account.logs.create_log_stream(logGroupName="/kept", logStreamName="s")
    now_ms = node.get("/_tule/health")["clock"]["now_ms"]
    account.logs.put_log_events(logGroupName="/kept", logStreamName="s", logEvents=[{"timestamp": now_ms, "message": "line"}])
    file = tmp_path / "backup.tar"
    environment = account.environment() | {"TULE_ADMIN_TOKEN_FILE": str(node.data / "admin.token")}
    subprocess.run([TULE, "backup", str(file)], env=environment, check=True, timeout=60)

    other = "" if store_kind == "postgresql" else fresh_database()
    command = [TULE, "restore", str(file), "--data", str(tmp_path / "other")] + (["--store", other] if other else [])
    subprocess.run(command, check=True, timeout=60)
    with RunningNode(tmp_path / "other", store=other) as restored:
        again = Account(restored, account.id)
        assert again.s3.get_object(Bucket="kept", Key="small")["Body"].read() == b"s"
        assert again.s3.get_object(Bucket="kept", Key="large")["Body"].read() == b"l" * 3_000_000
        assert [e["message"] for e in again.logs.get_log_events(logGroupName="/kept", logStreamName="s")["events"]] == ["line"]

    twice = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert twice.returncode == 1
    assert "Traceback" not in twice.stderr
