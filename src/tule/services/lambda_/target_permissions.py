"""Whether a function's role may send to what the function names: its dead letter target, its destinations.

Asked when they are named, without anything being sent.  AWS: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
"""

from __future__ import annotations

from typing import Any

from tule.access.principal import Principal
from tule.core import arn as arns
from tule.core.arn import Arn
from tule.core.errors import ServiceError
from tule.platform.call import Call
from tule.platform.permissions import may
from tule.platform.targets import queue_url
from tule.services.lambda_ import errors, execution_role
from tule.services.lambda_.names import FunctionRef

Params = dict[str, Any]


async def missing(call: Call, principal: Principal, arn: str) -> str:
    """The operation that the principal may not call to send there; empty when it may.  Raises what finding out raises."""
    target = arns.parse(arn)
    operation, params = _sending(call, target, arn)
    region, account = target.region or call.region, target.account
    return "" if await may(call.node, principal, target.service, operation, params, region=region, account=account) else operation


def _sending(call: Call, target: Arn, arn: str) -> tuple[str, Params]:
    match target.service:
        case "sqs":
            return "SendMessage", {"QueueUrl": queue_url(call.node, target), "MessageBody": "-"}
        case "sns":
            return "Publish", {"TopicArn": arn, "Message": "-"}
        case "lambda":
            return "Invoke", {"FunctionName": arn, "InvocationType": "Event"}
        case "events":
            return "PutEvents", {"Entries": [{"EventBusName": arn, "Source": "lambda", "DetailType": "-", "Detail": "{}"}]}
        case _:
            return "PutObject", {"Bucket": target.resource, "Key": "-"}


async def check_dead_letter(call: Call, ref: FunctionRef, role: str, config: Params) -> None:
    """Raises InvalidParameterValueException."""
    arn: str = config.get("DeadLetterConfig", {}).get("TargetArn", "")
    if arn and (operation := await _missing_for(call, ref, role, arn)):
        service = arns.parse(arn).service.upper()
        raise errors.invalid_parameter(f"The provided execution role does not have permissions to call {operation} on {service}")


async def check_destinations(call: Call, ref: FunctionRef, role: str, config: Params) -> None:
    """Raises InvalidParameterValueException."""
    for target in config.values():
        arn: str = target.get("Destination", "")
        if arn and (operation := await _missing_for(call, ref, role, arn)):
            raise errors.invalid_parameter(f"The function's execution role does not have permissions to call {operation} on {arn}")


async def _missing_for(call: Call, ref: FunctionRef, role: str, arn: str) -> str:
    session = await execution_role.session(call.node, ref, role)
    try:
        return await missing(call, session.principal, arn)
    except ServiceError:
        return ""  # it is not there: that shows when something is sent
