"""The input of schedules with a key of KMS, encrypted while it is kept.

Who makes or reads such a schedule needs the key, and so does the schedule's role when it runs.
AWS: https://docs.aws.amazon.com/scheduler/latest/UserGuide/encryption-rest.html
"""

from __future__ import annotations

import base64
from typing import Any

from tule.access.principal import Principal
from tule.platform import encryption
from tule.platform.call import Call
from tule.platform.encryption import Holder, KeyRefused
from tule.platform.node import Node
from tule.services.scheduler import errors
from tule.services.scheduler.names import SCHEDULER, ScheduleRef

INPUT = "Input"

Settings = dict[str, Any]


async def sealed(call: Call, ref: ScheduleRef, settings: Settings) -> tuple[Settings, str]:
    """The settings as they are kept, and the input that is no longer in them.  Raises ValidationException and AccessDeniedException."""
    key = settings.get("KmsKeyArn")
    if not key:
        return settings, ""
    text = settings["Target"].get(INPUT, "").encode()
    holder = Holder(call.principal, SCHEDULER, ref.region, key, {"aws:scheduler:schedule:arn": ref.arn})
    try:
        envelopes = await encryption.seal(call.node, holder, [text])
        await encryption.unseal(call.node, call.principal, SCHEDULER, ref.region, envelopes)
    except KeyRefused as refusal:
        raise errors.key_refused(refusal.kind, refusal.message) from refusal
    if INPUT not in settings["Target"]:
        return settings, ""
    kept = {name: value for name, value in settings["Target"].items() if name != INPUT}
    return {**settings, "Target": kept}, base64.b64encode(envelopes[0]).decode()


async def opened(node: Node, principal: Principal, ref: ScheduleRef, envelope: str) -> str:
    """The input.  Raises ValidationException and AccessDeniedException."""
    try:
        texts = await encryption.unseal(node, principal, SCHEDULER, ref.region, [base64.b64decode(envelope)])
    except KeyRefused as refusal:
        raise errors.key_refused(refusal.kind, refusal.message) from refusal
    return texts[0].decode()
