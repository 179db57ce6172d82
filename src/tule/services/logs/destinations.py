"""Destinations: streams of one account that log groups of others may send to.  AWS: CloudWatch Logs API reference, PutDestination."""

from __future__ import annotations

from tule.core import arn as arns
from tule.store.documents import Documents

DESTINATIONS = Documents("logs.destination")


def destination_arn(account: str, region: str, name: str) -> str:
    return arns.arn("logs", region, account, f"destination:{name}")
