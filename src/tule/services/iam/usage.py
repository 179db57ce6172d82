"""When keys and roles were last used.  AWS: GetAccessKeyLastUsed, RoleLastUsed, GenerateServiceLastAccessedDetails.

Uses are gathered in memory (`Usage.record`, called for each authenticated request) and written now and then: losing the
last minute of them is no loss.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tule.services.iam.state import Entity
from tule.store.store import Tx

SCHEMA = """
CREATE TABLE iam_uses (
    subject TEXT NOT NULL,
    service TEXT NOT NULL,
    action TEXT NOT NULL,
    region TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    PRIMARY KEY (subject, service, action)
);
"""

_LATEST = "SELECT service, action, region, at_ms FROM iam_uses WHERE subject = ? ORDER BY at_ms DESC LIMIT 1"


@dataclass(slots=True, frozen=True)
class Use:
    service: str
    action: str
    region: str
    at_ms: int


def of_key(tx: Tx, access_key: str) -> Use | None:
    return _latest(tx, access_key)


def role_last_used(tx: Tx, role: Entity) -> dict[str, Any]:
    used = _latest(tx, role["id"])
    return {} if used is None else {"LastUsedDate": used.at_ms // 1000, "Region": used.region}


def _latest(tx: Tx, subject: str) -> Use | None:
    row = tx.one(_LATEST, subject)
    return None if row is None else Use(*row)
