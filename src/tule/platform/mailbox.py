"""What would leave the platform for people: e-mails, text messages, notifications of mobile applications.  Nothing is ever sent:
all is kept, and read at `GET /_tule/mail?kind=&to=&account=`.

`keep` records a mail in the transaction of its cause.  A mail that is kept twice under one id is one mail.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import orjson

from tule.store.store import Tx

Kind = Literal["email", "sms", "push"]

SCHEMA = """
CREATE TABLE mail (
    sequence INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    service TEXT NOT NULL,
    sender TEXT NOT NULL,
    recipient TEXT NOT NULL,
    subject TEXT NOT NULL,
    text TEXT NOT NULL,
    html TEXT NOT NULL,
    details BLOB NOT NULL,
    raw BLOB NOT NULL,
    sent_ms INTEGER NOT NULL
);
CREATE UNIQUE INDEX mail_by_id ON mail (id, recipient);
CREATE INDEX mail_by_recipient ON mail (recipient, sequence);
"""

_INSERT = (
    "INSERT INTO mail (kind, id, account, region, service, sender, recipient, subject, text, html, details, raw, sent_ms)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
)
_LATEST = (
    "SELECT id, account, region, service, sender, recipient, subject, text, html, details, sent_ms, kind FROM mail"
    " WHERE (? = '' OR kind = ?) AND (? = '' OR account = ?) AND (? = '' OR recipient = ?) ORDER BY sequence DESC LIMIT ?"
)
_RAW = "SELECT raw FROM mail WHERE id = ? LIMIT 1"


@dataclass(slots=True, frozen=True)
class Mail:
    """One message to each of `recipients`: addresses, numbers, or ARNs of endpoints.

    `details` is whatever else the sending service knows; `raw` the MIME text, if any.
    """

    id: str
    account: str
    region: str
    service: str
    sender: str
    recipients: tuple[str, ...]
    subject: str
    text: str = ""
    html: str = ""
    details: dict[str, Any] | None = None
    raw: bytes = b""
    kind: Kind = "email"


def keep(tx: Tx, mail: Mail) -> None:
    details = orjson.dumps(mail.details or {})
    head = (mail.kind, mail.id, mail.account, mail.region, mail.service, mail.sender)
    for recipient in mail.recipients:
        tx.execute(_INSERT, *head, recipient, mail.subject, mail.text, mail.html, details, mail.raw, tx.now_ms)


def latest(tx: Tx, *, kind: str = "", account: str = "", recipient: str = "", limit: int = 100) -> list[dict[str, Any]]:
    """The latest first; an empty kind, account or recipient is any."""
    return [
        {
            "kind": row[11],
            "id": row[0],
            "account": row[1],
            "region": row[2],
            "service": row[3],
            "from": row[4],
            "to": row[5],
            "subject": row[6],
            "text": row[7],
            "html": row[8],
            "details": orjson.loads(row[9]),
            "sent_ms": row[10],
        }
        for row in tx.all(_LATEST, kind, kind, account, account, recipient, recipient, limit)
    ]


def raw(tx: Tx, id: str) -> bytes | None:
    """The MIME text of a mail; None when there is no such mail."""
    row = tx.one(_RAW, id)
    return None if row is None else bytes(row[0])
