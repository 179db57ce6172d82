"""The SMS sandbox: numbers that an account wants to send to, and their one-time passwords.

The account is never really in it.  The password of a number is kept as a text message to it, like any other.
AWS: https://docs.aws.amazon.com/sns/latest/dg/sns-sms-sandbox-verifying-phone-numbers.html
"""

from __future__ import annotations

from typing import Any

from tule.platform.mailbox import Mail, keep
from tule.services.sns import errors
from tule.store.documents import Documents
from tule.store.store import Tx

_NUMBERS = Documents("sns.sandbox-number")
_MAX_NUMBERS = 10


def add(tx: Tx, account: str, region: str, number: str) -> None:
    known = _NUMBERS.get(tx, account, region, number)
    if known is None and len(_NUMBERS.page(tx, account, region)) >= _MAX_NUMBERS:
        raise errors.invalid_state("The maximum number of phone numbers in the SMS sandbox has been reached.")
    password = "".join(str(byte % 10) for byte in tx.ids.bytes(6))
    status = "Verified" if known is not None and known["status"] == "Verified" else "Pending"
    _NUMBERS.put(tx, account, region, number, {"status": status, "password": password})
    text = f"Your verification code is {password}"
    keep(tx, Mail(tx.ids.uuid(), account, region, "sns", "", (number,), "", text, details={"one_time_password": password}, kind="sms"))


def verify(tx: Tx, account: str, region: str, number: str, password: str) -> None:
    known = _NUMBERS.get(tx, account, region, number)
    if known is None:
        raise errors.resource_not_found()
    if known["password"] != password:
        raise errors.verification_failed()
    _NUMBERS.put(tx, account, region, number, {**known, "status": "Verified"})


def remove(tx: Tx, account: str, region: str, number: str) -> None:
    if not _NUMBERS.delete(tx, account, region, number):
        raise errors.resource_not_found()


def page(tx: Tx, account: str, region: str, after: str, limit: int) -> list[dict[str, Any]]:
    return [{"PhoneNumber": number, "Status": known["status"]} for number, known in _NUMBERS.page(tx, account, region, after=after, limit=limit)]
