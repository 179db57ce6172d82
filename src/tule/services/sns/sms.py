"""Text messages: kept instead of sent, and what an account has set for them.

AWS: https://docs.aws.amazon.com/sns/latest/dg/sns-mobile-phone-number-as-subscriber.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tule.platform.mailbox import Mail, keep
from tule.services.sns import errors
from tule.services.sns.message import Message
from tule.store.documents import Documents
from tule.store.store import Tx

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_SETTINGS = Documents("sns.sms-attributes")
_OPTED_OUT = Documents("sns.opted-out")
_KNOWN = (
    "MonthlySpendLimit",
    "DeliveryStatusIAMRole",
    "DeliveryStatusSuccessSamplingRate",
    "DefaultSenderID",
    "DefaultSMSType",
    "UsageReportS3Bucket",
)
_TYPES = ("Promotional", "Transactional")
_DEFAULTS = {"MonthlySpendLimit": "1"}


def send(tx: Tx, account: str, region: str, number: str, message: Message, topic: str = "") -> None:
    """Raises InvalidParameter.  To who has opted out nothing goes; that is kept, too."""
    if _E164.fullmatch(number) is None:
        raise errors.invalid_reason("PhoneNumber", f"{number} is not valid to publish to")
    sender = message.attributes.get("AWS.SNS.SMS.SenderID", {}).get("StringValue") or attributes(tx, account, region).get("DefaultSenderID", "")
    details: dict[str, Any] = {"attributes": message.attributes, "delivered": not is_opted_out(tx, account, region, number)}
    if topic:
        details["topic"] = topic
    text = message.text_for("sms")
    keep(tx, Mail(message.id, account, region, "sns", sender, (number,), message.subject or "", text, details=details, kind="sms"))


def attributes(tx: Tx, account: str, region: str) -> dict[str, str]:
    return {**_DEFAULTS, **(_SETTINGS.get(tx, account, region, "") or {})}


def set_attributes(tx: Tx, account: str, region: str, given: Mapping[str, str]) -> None:
    """Raises InvalidParameter."""
    for name, value in given.items():
        if name not in _KNOWN:
            raise errors.invalid_parameter(f"{name} is not a valid attribute")
        if name == "DefaultSMSType" and value not in _TYPES:
            raise errors.invalid_parameter("DefaultSMSType is invalid")
        if name in ("MonthlySpendLimit", "DeliveryStatusSuccessSamplingRate") and not value.isdigit():
            raise errors.invalid_parameter(f"{name} is invalid")
    _SETTINGS.put(tx, account, region, "", {**(_SETTINGS.get(tx, account, region, "") or {}), **given})


def is_opted_out(tx: Tx, account: str, region: str, number: str) -> bool:
    return _OPTED_OUT.get(tx, account, region, number) is not None


def opt_in(tx: Tx, account: str, region: str, number: str) -> None:
    _OPTED_OUT.delete(tx, account, region, number)


def opt_out(tx: Tx, account: str, region: str, number: str) -> None:
    """As if the receiver had answered STOP."""
    _OPTED_OUT.put(tx, account, region, number, {"opted_out_ms": tx.now_ms})


def opted_out(tx: Tx, account: str, region: str, after: str, limit: int) -> list[str]:
    return [number for number, _ in _OPTED_OUT.page(tx, account, region, after=after, limit=limit)]
