"""What reaches functions from elsewhere: events of other services, and Lambda's own jobs."""

from __future__ import annotations

import orjson

from tule.access.principal import aws_service
from tule.backbone.delivery import Dead, Delivery, Done, Outcome, Retry
from tule.core.errors import ServiceError
from tule.platform.node import Node
from tule.services.lambda_ import asynchronous, destinations
from tule.services.lambda_.names import of_arn


async def deliver(node: Node, delivery: Delivery) -> Outcome:
    if delivery.kind == asynchronous.INVOKE:
        return await asynchronous.run(node, delivery)
    if delivery.kind == destinations.SEND:
        return await destinations.send(node, delivery)
    return await _accept(node, delivery)


async def _accept(node: Node, delivery: Delivery) -> Outcome:
    """Another service's event becomes an asynchronous invocation, if the function's resource policy lets that service in."""
    ref = of_arn(delivery.target)
    source = aws_service(delivery.source_service, delivery.account, delivery.source_arn)
    invocation = {"FunctionName": delivery.target, "InvocationType": "Event", "Payload": orjson.dumps(delivery.payload)}
    try:
        await node.dispatcher.invoke("lambda", "Invoke", invocation, principal=source, region=ref.region, account=ref.account, trace=delivery.trace)
    except ServiceError as error:
        return Retry(error.message) if error.status == 429 or error.status >= 500 else Dead(f"{error.code}: {error.message}")
    return Done()
