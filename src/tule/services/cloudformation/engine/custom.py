"""Custom resources: a function (or a topic) is asked to create, update, delete, and answers by a PUT to a URL of ours.

AWS: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/crpg-ref.html

The URL ends in a token that nobody can guess; its host is AWS's, since `cfn-response` speaks only to port 443 of a host
name, and inside the sandbox AWS's names lead here.  Where functions have no network of their own it is the node's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from tule.core import arn as arns
from tule.platform.node import Node
from tule.platform.resource_type import Properties, Resource, StackContext
from tule.services.cloudformation import records, state
from tule.services.cloudformation.engine.context import EngineContext
from tule.services.cloudformation.engine.run import Run
from tule.services.cloudformation.engine.slow import Pending, SlowType, drive_job
from tule.services.cloudformation.errors import Failed, TemplateError
from tule.services.cloudformation.paths import RESPONSES
from tule.services.cloudformation.template.evaluate import text
from tule.store.store import Tx
from tule.wire.http import Request, Response

DEFAULT_TIMEOUT_S = 3_600
MAX_ANSWER_BYTES = 4_096
ISOLATED = 2  # sandbox levels up to this one have a network of their own
NO_ANSWER = (
    "CloudFormation did not receive a response from your Custom Resource. Please check your logs for requestId [{id}]. If you are using the Python"
    " cfn-response module, you may need to update your Lambda function code so that CloudFormation can attach the updated version."
)


class CustomResourceType(SlowType):
    """`Custom::Anything`.  Ref is the PhysicalResourceId that was answered, GetAtt its Data."""

    name = "AWS::CloudFormation::CustomResource"

    async def begin_create(self, run: Run, stack: StackContext, properties: Properties) -> Pending:
        physical_id = stack.generated_name()
        return await _ask(run, stack, "Create", properties, physical_id, {})

    async def begin_update(self, run: Run, stack: StackContext, physical_id: str, old: Properties, new: Properties) -> Pending:
        if old.get("ServiceToken") != new.get("ServiceToken"):
            raise TemplateError("Modifying service token is not allowed.")
        said = {"PhysicalResourceId": physical_id, "OldResourceProperties": as_text(old)}
        return await _ask(run, stack, "Update", new, physical_id, said)

    async def begin_delete(self, run: Run, stack: StackContext, physical_id: str, properties: Properties) -> Pending:
        return await _ask(run, stack, "Delete", properties, physical_id, {"PhysicalResourceId": physical_id})

    async def look(self, run: Run, record: records.Resource) -> Resource | None:
        assert record.waiting is not None
        token = record.waiting["token"]
        found = await run.node.store.read(lambda tx: state.answers(tx, token))
        if not found:
            if run.node.clock.now_ms() < record.waiting["deadline_ms"]:
                return None
            raise TemplateError(NO_ANSWER.format(id=token))
        return _answered(found[0], record, token)


def _answered(answer: dict[str, Any], record: records.Resource, token: str) -> Resource:
    physical_id = str(answer.get("PhysicalResourceId") or "")
    if answer.get("Status") != "SUCCESS":
        why = f"Message returned: {answer.get('Reason', '')} (RequestId: {token})"
        raise Failed(f"Received response status [{answer.get('Status')}] from custom resource. {why}", physical_id)
    if not physical_id:
        raise TemplateError("Invalid PhysicalResourceId")
    return Resource(physical_id, answer.get("Data") or {})


async def _ask(run: Run, stack: StackContext, kind: str, properties: Properties, physical_id: str, further: dict[str, Any]) -> Pending:
    assert isinstance(stack, EngineContext)
    token, service_token = stack.journal.token, str(properties.get("ServiceToken") or "")
    if not arns.is_arn(service_token):
        raise TemplateError(f"Invalid service token: {service_token}")
    timeout_s = int(properties.get("ServiceTimeout") or DEFAULT_TIMEOUT_S)
    event = {
        "RequestType": kind,
        "ServiceToken": service_token,
        "ResponseURL": await response_url(run, token),
        "StackId": stack.stack_id,
        "RequestId": token,
        "LogicalResourceId": stack.logical_id,
        "ResourceType": run.records[stack.logical_id].type,
        "ResourceProperties": as_text(properties),
        **further,
    }
    await run.node.store.write(lambda tx: state.expect_answers(tx, token, stack.stack_id))
    await _send(stack, service_token, event)
    deadline_ms = run.node.clock.now_ms() + timeout_s * 1_000
    return Pending(deadline_ms, {"token": token, "deadline_ms": deadline_ms}, physical_id)


async def _send(stack: StackContext, service_token: str, event: dict[str, Any]) -> None:
    service = arns.parse(service_token).service
    if service == "lambda":
        payload = orjson.dumps(event)
        await stack.call("lambda", "Invoke", {"FunctionName": service_token, "InvocationType": "Event", "Payload": payload})
    elif service == "sns":
        message = {"TopicArn": service_token, "Subject": "AWS CloudFormation custom resource request", "Message": orjson.dumps(event).decode()}
        await stack.call("sns", "Publish", message)
    else:
        raise TemplateError(f"Invalid service token: {service_token}")


def as_text(value: Any) -> Any:
    """Custom resources get every scalar as a string."""
    if isinstance(value, dict):
        return {key: as_text(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [as_text(inner) for inner in value]
    return text(value) if value is not None else ""


async def response_url(run: Run, token: str) -> str:
    if await _functions_see_aws_names(run.node):
        region = run.stack.region
        return f"https://cloudformation-custom-resource-response-{region.replace('-', '')}.s3.{region}.amazonaws.com{RESPONSES}{token}"
    return f"{run.operation.endpoint}{RESPONSES}{token}"


async def _functions_see_aws_names(node: Node) -> bool:
    await node.compute.look()
    sandbox = node.compute.describe().get("sandbox")
    return isinstance(sandbox, Mapping) and sandbox.get("level", ISOLATED + 1) <= ISOLATED


async def response_page(node: Node, request: Request) -> Response:
    """The answer of a custom resource: who knows the token may answer, and the first answer counts."""
    token = request.path.removeprefix(RESPONSES).split("?")[0]
    body = await request.stream.read(MAX_ANSWER_BYTES * 16) if request.body is None else request.body
    if request.method != "PUT":
        return Response(405)
    answer = _parsed(body)
    stored = await node.store.write(lambda tx: take_answer(tx, token, answer))
    return Response(200 if stored else 404)


def _parsed(body: bytes) -> dict[str, Any]:
    if len(body) > MAX_ANSWER_BYTES:
        return {"Status": "FAILED", "Reason": "Response object is too long."}
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {"Status": "FAILED", "Reason": "Invalid response object: it is not JSON."}
    return answer if isinstance(answer, dict) else {"Status": "FAILED", "Reason": "Invalid response object."}


def take_answer(tx: Tx, token: str, answer: dict[str, Any]) -> bool:
    """Keep what somebody outside answers, and drive the stack that waits for it; False when nobody does."""
    stack_id = state.who_expects(tx, token)
    stack = state.stack_by_id(tx, stack_id) if stack_id else None
    if stack is None:
        return False
    state.add_answer(tx, token, stack.id, answer)
    drive_job(tx, stack.id, stack.account, stack.region)
    return True
