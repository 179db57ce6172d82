"""Log groups with a key of KMS: messages encrypted while they are kept, by CloudWatch Logs itself, which the key's policy must let in.

AWS: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import replace

from tule.access.principal import aws_service
from tule.platform import encryption
from tule.platform.call import Call
from tule.platform.encryption import Holder, KeyRefused
from tule.services.logs import errors
from tule.services.logs.groups import Group, group_arn
from tule.watch.log_store import Event

_SERVICE = "logs.amazonaws.com"
_MARK = "\x01sealed:"


def _holder(call: Call, name: str, key: str) -> Holder:
    arn = group_arn(call.account, call.region, name)
    principal = aws_service(_SERVICE, call.account, arn)
    return Holder(principal, _SERVICE, call.region, encryption.key_arn(key, call.account, call.region), {"aws:logs:arn": arn})


async def check(call: Call, name: str, key: str) -> None:
    """Raises InvalidParameterException for a key that is not there, or that lets no logs in."""
    try:
        await encryption.check(call.node, _holder(call, name, key))
    except KeyRefused as refusal:
        raise errors.key_not_allowed(group_arn(call.account, call.region, name)) from refusal


def is_sealed(group: Group) -> bool:
    """Whether some of its messages may be encrypted."""
    return bool(group.get("sealed"))


async def sealed(call: Call, name: str, key: str, events: Sequence[tuple[int, str]]) -> list[tuple[int, str]]:
    """Raises InvalidParameterException."""
    try:
        envelopes = await encryption.seal(call.node, _holder(call, name, key), [message.encode() for _, message in events])
    except KeyRefused as refusal:
        raise errors.key_refused(refusal.message) from refusal
    return [(time_ms, _MARK + base64.b64encode(envelope).decode()) for (time_ms, _), envelope in zip(events, envelopes, strict=True)]


async def opened(call: Call, name: str, events: Sequence[Event]) -> list[Event]:
    """Events with their messages as they were put.  Raises InvalidParameterException."""
    return [replace(event, message=await message_of(call, name, event.message)) for event in events]


async def message_of(call: Call, name: str, message: str) -> str:
    """Raises InvalidParameterException."""
    if not message.startswith(_MARK):
        return message
    envelope = base64.b64decode(message[len(_MARK) :])
    principal = aws_service(_SERVICE, call.account, group_arn(call.account, call.region, name))
    try:
        texts = await encryption.unseal(call.node, principal, _SERVICE, call.region, [envelope])
    except KeyRefused as refusal:
        raise errors.key_refused(refusal.message) from refusal
    return texts[0].decode()
