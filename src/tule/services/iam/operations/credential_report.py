"""The credential report.  AWS: "Generate credential reports for your AWS account" (IAM user guide)."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from typing import Any

from tule.core import arn as arns
from tule.core.errors import ServiceError
from tule.platform.call import Call
from tule.platform.service import Params, reads
from tule.services.iam import account, credentials, mfa_devices, shapes, state, usage
from tule.services.iam.state import USER, Entity, KeyRow
from tule.store.store import Tx

_KEY_COLUMNS = ("active", "last_rotated", "last_used_date", "last_used_region", "last_used_service")
COLUMNS = (
    "user", "arn", "user_creation_time", "password_enabled", "password_last_used", "password_last_changed", "password_next_rotation", "mfa_active",
    *(f"access_key_{number}_{column}" for number in (1, 2) for column in _KEY_COLUMNS),
    "cert_1_active", "cert_1_last_rotated", "cert_2_active", "cert_2_last_rotated",
)  # fmt: skip
_FRESH_MS = 4 * 3_600_000
_KEPT_MS = 24 * 3_600_000


def generate_credential_report(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    """A report younger than four hours is not made again."""
    settings = account.get(tx, call.account)
    report = settings.get("credential_report")
    if report is not None and tx.now_ms - report["at_ms"] < _FRESH_MS:
        return {"State": "COMPLETE"}
    account.put(tx, call.account, {**settings, "credential_report": {"at_ms": tx.now_ms, "text": _report(call, tx)}})
    return {"State": "STARTED", "Description": "No report exists. Starting a new report generation task"}


@reads
def get_credential_report(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    report = account.get(tx, call.account).get("credential_report")
    if report is None:
        raise ServiceError("ReportNotPresent", "No report has been generated for this account.", 410)
    if tx.now_ms - report["at_ms"] >= _KEPT_MS:
        raise ServiceError("ReportExpired", "The credential report has expired. Generate a new one.", 410)
    return {"Content": report["text"].encode(), "ReportFormat": "text/csv", "GeneratedTime": shapes.seconds(report["at_ms"])}


def _report(call: Call, tx: Tx) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, restval="N/A", lineterminator="\n")
    writer.writeheader()
    writer.writerow(_root(call, tx))
    for user in state.entities(tx, USER, call.account):
        writer.writerow(_user(call, tx, user))
    return text.getvalue()


def _root(call: Call, tx: Tx) -> dict[str, str]:
    return {
        "user": "<root_account>",
        "arn": arns.arn("iam", "", call.account, "root"),
        "user_creation_time": _time(0),
        "password_enabled": "not_supported",
        "password_last_used": "no_information",
        "password_last_changed": "not_supported",
        "password_next_rotation": "not_supported",
        "mfa_active": "false",
        **_keys(tx, state.keys_of(tx, call.account, call.account)),
        "cert_1_active": "false",
        "cert_2_active": "false",
    }


def _user(call: Call, tx: Tx, user: Entity) -> dict[str, str]:
    profile = user.get("login_profile")
    password: dict[str, str] = {"password_enabled": "false"}
    if profile is not None:
        password = {"password_enabled": "true", "password_last_used": "no_information", "password_last_changed": _time(profile["changed_ms"])}
    certificates = credentials.SIGNING_CERTIFICATES.of_user(tx, call.account, user["id"])
    return {
        "user": user["name"],
        "arn": USER.arn(call.account, user),
        "user_creation_time": _time(user["created_ms"]),
        "mfa_active": _word(bool(mfa_devices.SHELF.of_user(tx, call.account, user["id"]))),
        "cert_1_active": "false",
        "cert_2_active": "false",
        **password,
        **_keys(tx, state.keys_of(tx, call.account, user["id"])),
        **{f"cert_{number}_active": _word(one["status"] == "Active") for number, one in enumerate(certificates, 1)},
        **{f"cert_{number}_last_rotated": _time(one["created_ms"]) for number, one in enumerate(certificates, 1)},
    }


def _keys(tx: Tx, rows: list[KeyRow]) -> dict[str, str]:
    cells = {"access_key_1_active": "false", "access_key_2_active": "false"}
    for number, row in enumerate(rows, 1):
        start = f"access_key_{number}_"
        cells |= {start + "active": _word(row.status == "Active"), start + "last_rotated": _time(row.created_ms)}
        used = usage.of_key(tx, row.access_key)
        if used is not None:
            cells |= {start + "last_used_date": _time(used.at_ms), start + "last_used_region": used.region, start + "last_used_service": used.service}
    return cells


def _time(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms // 1000, UTC).isoformat()


def _word(value: bool) -> str:
    return "true" if value else "false"
