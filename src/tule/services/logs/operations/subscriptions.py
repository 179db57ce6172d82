"""Subscription filters and the destinations of other accounts.

AWS: CloudWatch Logs API reference, PutSubscriptionFilter, PutDestination.
"""

from __future__ import annotations

from typing import Any

from tule.access.principal import aws_service
from tule.core import arn as arns
from tule.core.errors import ServiceError
from tule.core.paging import page
from tule.platform import targets
from tule.platform.call import Call
from tule.platform.service import reads
from tule.services.logs import errors
from tule.services.logs.destinations import DESTINATIONS, destination_arn
from tule.services.logs.groups import fetch, get, group_arn, put
from tule.services.logs.operations.events import pattern_of
from tule.services.logs.publishing import LOGS, Filter, destination_of, message, packed
from tule.store.store import Tx

MAX_FILTERS = 2  # of one group
MAX_LISTED = 50
_KEPT = ("filterName", "filterPattern", "destinationArn", "roleArn", "applyOnTransformedLogs", "fieldSelectionCriteria", "emitSystemFields")
_NAMES = {"kinesis": "Kinesis", "firehose": "Firehose"}

Params = dict[str, Any]


async def put_subscription_filter(call: Call, params: Params) -> None:
    """The destination is tried before the filter is kept, as AWS does."""
    name, filter_name = params["logGroupName"], params["filterName"]
    pattern_of(params["filterPattern"])
    group = await fetch(call, name)
    if filter_name not in group.get("subscriptions", {}) and len(group.get("subscriptions", {})) >= MAX_FILTERS:
        raise errors.limit_exceeded()
    subscription: Filter = {key: params[key] for key in _KEPT if key in params}
    await _try(call, name, subscription, params)
    subscription["distribution"] = params.get("distribution", "ByLogStream")

    def keep(tx: Tx) -> None:
        current = get(tx, call, name)
        kept: dict[str, Filter] = current.setdefault("subscriptions", {})
        if filter_name not in kept and len(kept) >= MAX_FILTERS:
            raise errors.limit_exceeded()
        created_ms = kept[filter_name]["creationTime"] if filter_name in kept else tx.now_ms
        kept[filter_name] = subscription | {"creationTime": created_ms}
        put(tx, call, name, current)

    await call.node.store.write(keep)


async def _try(call: Call, group: str, subscription: Filter, params: Params) -> None:
    """A dry run of a function, a control message to a stream.  Raises InvalidParameterException in AWS's words."""
    destination = arns.parse(subscription["destinationArn"])
    if destination.service not in ("lambda", "kinesis", "firehose", "logs"):
        raise errors.invalid_parameter("PutSubscriptionFilter operation cannot work with destinationArn for vendor " + destination.service)
    if destination.service in _NAMES and "roleArn" not in params:
        raise errors.invalid_parameter(f"destinationArn for vendor {destination.service} cannot be used without roleArn")
    if destination.service == "lambda" and "roleArn" in params:
        raise errors.invalid_parameter("destinationArn for vendor lambda cannot be used with roleArn")
    target, role = await call.node.store.read(lambda tx: destination_of(tx, subscription))
    to = arns.parse(target)
    if to.service == "logs":
        raise errors.not_found("The specified destination does not exist.")
    source_arn = group_arn(call.account, call.region, group) + ":*"
    try:
        if to.service == "lambda":
            service = aws_service(LOGS, call.account, source_arn)
            dry = {"FunctionName": target, "InvocationType": "DryRun"}
            await call.node.dispatcher.invoke("lambda", "Invoke", dry, principal=service, region=to.region, account=to.account)
            return
        session = await call.node.roles.session(
            role, service=LOGS, account=call.account, region=call.region, session_name="CloudWatchLogs", source_arn=source_arn
        )
        told = message("CONTROL_MESSAGE", "CloudwatchLogs", "", "", [], [])
        health = f"CWL CONTROL MESSAGE: Checking health of destination {_NAMES.get(to.service, to.service)}."
        told = {**told, "logEvents": [{"id": "", "timestamp": call.now_ms, "message": health}]}
        text, settings = packed(target, told, subscription, "")
        if to.service == "kinesis":
            settings["PartitionKey"] = "control"
        await targets.send(call.node, target, text, principal=session.principal, region=call.region, settings=settings)
    except ServiceError as error:
        if error.status == 501:
            raise
        raise errors.invalid_parameter(_complaint(to.service)) from error


def _complaint(service: str) -> str:
    if service == "lambda":
        return "Could not execute the lambda function. Make sure you have given CloudWatch Logs permission to execute your function."
    name = _NAMES.get(service, service)
    return f"Could not deliver test message to specified {name} stream. Check if the given {name} stream is in ACTIVE state."


@reads
def describe_subscription_filters(call: Call, tx: Tx, params: Params) -> Params:
    name, prefix = params["logGroupName"], params.get("filterNamePrefix", "")
    filters: dict[str, Filter] = get(tx, call, name).get("subscriptions", {})
    scope = f"logs.DescribeSubscriptionFilters.{call.account}.{call.region}.{name}.{prefix}"
    after = call.node.pager.after(scope, params.get("nextToken"), errors.invalid_token)
    found = [(key, value) for key, value in sorted(filters.items()) if key.startswith(prefix) and key > after]
    shown, last = page(found, params.get("limit", MAX_LISTED), lambda item: item[0])
    answer: Params = {"subscriptionFilters": [{"logGroupName": name, **value} for _, value in shown]}
    return answer if last is None else answer | {"nextToken": call.node.pager.token(scope, last)}


def delete_subscription_filter(call: Call, tx: Tx, params: Params) -> None:
    group = get(tx, call, params["logGroupName"])
    if group.get("subscriptions", {}).pop(params["filterName"], None) is None:
        raise errors.not_found("The specified subscription filter does not exist.")
    put(tx, call, params["logGroupName"], group)


def put_destination(call: Call, tx: Tx, params: Params) -> Params:
    name = params["destinationName"]
    before = DESTINATIONS.get(tx, call.account, call.region, name) or {"creationTime": tx.now_ms}
    kept = {**before, "targetArn": params["targetArn"], "roleArn": params["roleArn"]}
    if params.get("tags"):
        kept["tags"] = params["tags"]
    DESTINATIONS.put(tx, call.account, call.region, name, kept)
    return {"destination": _destination(call, name, kept)}


def put_destination_policy(call: Call, tx: Tx, params: Params) -> None:
    name = params["destinationName"]
    kept = _find_destination(call, tx, name)
    kept["accessPolicy"] = params["accessPolicy"]
    DESTINATIONS.put(tx, call.account, call.region, name, kept)


@reads
def describe_destinations(call: Call, tx: Tx, params: Params) -> Params:
    prefix = params.get("DestinationNamePrefix", "")
    scope = f"logs.DescribeDestinations.{call.account}.{call.region}.{prefix}"
    limit = params.get("limit", MAX_LISTED)
    found = DESTINATIONS.page(
        tx,
        call.account,
        call.region,
        after=call.node.pager.after(scope, params.get("nextToken"), errors.invalid_token),
        limit=limit + 1,
        prefix=prefix,
    )
    shown, last = page(found, limit, lambda item: item[0])
    answer: Params = {"destinations": [_destination(call, name, kept) for name, kept in shown]}
    return answer if last is None else answer | {"nextToken": call.node.pager.token(scope, last)}


def delete_destination(call: Call, tx: Tx, params: Params) -> None:
    _find_destination(call, tx, params["destinationName"])
    DESTINATIONS.delete(tx, call.account, call.region, params["destinationName"])


def _find_destination(call: Call, tx: Tx, name: str) -> dict[str, Any]:
    found = DESTINATIONS.get(tx, call.account, call.region, name)
    if found is None:
        raise errors.not_found("The specified destination does not exist.")
    return found


def _destination(call: Call, name: str, kept: dict[str, Any]) -> Params:
    shown = {key: kept[key] for key in ("targetArn", "roleArn", "accessPolicy", "creationTime") if key in kept}
    return {"destinationName": name, "arn": destination_arn(call.account, call.region, name), **shown}
