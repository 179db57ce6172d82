"""Event source mappings that name a key of KMS: their filter criteria are encrypted where they are kept."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.services.lambda_ import mapped
from tests.services.lambda_.house import ACCOUNT, House
from tule.access.principal import Principal
from tule.core.errors import ServiceError

CRITERIA = {"Filters": [{"Pattern": json.dumps({"body": {"kind": ["wanted"]}})}]}
OWNER = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "kms:*", "Resource": "*"}
POLLER = {
    "Effect": "Allow",
    "Principal": {"Service": "lambda.amazonaws.com"},
    "Action": "kms:Decrypt",
    "Resource": "*",
    "Condition": {"ArnLike": {"aws:SourceArn": f"arn:aws:lambda:*:{ACCOUNT}:event-source-mapping:*"}},
}


async def key(house: House, *statements: Any) -> str:
    policy = json.dumps({"Version": "2012-10-17", "Statement": list(statements or (OWNER, POLLER))})
    return (await house.call("kms", "CreateKey", Policy=policy))["KeyMetadata"]["Arn"]


async def made(house: House, arn: str) -> tuple[str, str]:
    """The queue's URL and the mapping's UUID."""
    await mapped.function(house)
    url = await mapped.queue(house)
    return url, await mapped.mapping(house, mapped.queue_arn("q"), FilterCriteria=CRITERIA, KMSKeyArn=arn)


async def kept(house: House) -> str:
    """All that the store has of mappings."""
    rows = await house.node.store.read(lambda tx: tx.all("SELECT body FROM documents WHERE kind = ?", "lambda.mapping"))
    return str([bytes(row[0]) if isinstance(row[0], memoryview) else row[0] for row in rows])


async def test_events_are_filtered_by_criteria_that_are_kept_encrypted(house: House) -> None:
    arn = await key(house)
    url, uuid = await made(house, arn)
    shown = await house.lam("GetEventSourceMapping", UUID=uuid)
    assert (shown["FilterCriteria"], shown["KMSKeyArn"]) == (CRITERIA, arn)
    assert "wanted" not in await kept(house)
    (listed,) = (await house.lam("ListEventSourceMappings"))["EventSourceMappings"]
    assert "FilterCriteria" not in listed
    assert listed["KMSKeyArn"] == arn
    await mapped.send(house, url, {"kind": "wanted"}, {"kind": "other"})
    await house.settle()
    assert mapped.bodies(house) == [['{"kind": "wanted"}']]
    gone = await house.lam("DeleteEventSourceMapping", UUID=uuid)
    assert gone["FilterCriteria"] == CRITERIA


async def test_who_may_not_decrypt_is_told_why_there_are_no_criteria(house: House) -> None:
    _, uuid = await made(house, await key(house))
    made_user = await house.call("iam", "CreateUser", UserName="eve")
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "lambda:*", "Resource": "*"}]}
    await house.call("iam", "PutUserPolicy", UserName="eve", PolicyName="p", PolicyDocument=json.dumps(policy))
    user = made_user["User"]
    eve = Principal("user", ACCOUNT, user["Arn"], user["Arn"], user["UserId"])
    shown = await house.node.dispatcher.invoke("lambda", "GetEventSourceMapping", {"UUID": uuid}, principal=eve, region="us-east-1")
    assert "FilterCriteria" not in shown
    assert shown["FilterCriteriaError"]["ErrorCode"] == "AccessDeniedException"
    assert "kms:Decrypt" in shown["FilterCriteriaError"]["Message"]


async def test_a_key_that_lambda_may_not_use_keeps_the_source_unread(house: House) -> None:
    arn = await key(house, OWNER)
    url, _ = await made(house, arn)
    await mapped.send(house, url, {"kind": "wanted"})
    await house.settle()
    assert mapped.bodies(house) == []
    policy = json.dumps({"Version": "2012-10-17", "Statement": [OWNER, POLLER]})
    await house.call("kms", "PutKeyPolicy", KeyId=arn, PolicyName="default", Policy=policy)
    (mapping,) = (await house.lam("ListEventSourceMappings"))["EventSourceMappings"]
    await house.lam("UpdateEventSourceMapping", UUID=mapping["UUID"], BatchSize=5)  # sooner than it is tried again
    await house.settle()
    assert mapped.bodies(house) == [['{"kind": "wanted"}']]


async def test_the_key_of_a_mapping_can_be_changed_and_taken_away(house: House) -> None:
    url, uuid = await made(house, await key(house))
    other = await key(house)
    changed = await house.lam("UpdateEventSourceMapping", UUID=uuid, KMSKeyArn=other)
    assert (changed["KMSKeyArn"], changed["FilterCriteria"]) == (other, CRITERIA)
    assert "wanted" not in await kept(house)
    await house.lam("UpdateEventSourceMapping", UUID=uuid, KMSKeyArn="")
    assert "wanted" in await kept(house)
    again = await house.lam("UpdateEventSourceMapping", UUID=uuid, KMSKeyArn=other)
    assert again["FilterCriteria"] == CRITERIA
    none = await house.lam("UpdateEventSourceMapping", UUID=uuid, FilterCriteria={})
    assert "FilterCriteria" not in none
    await house.settle()  # the poller knows of it
    await mapped.send(house, url, {"kind": "other"})
    await house.settle()
    assert mapped.bodies(house) == [['{"kind": "other"}']]


async def test_a_key_that_cannot_be_used_is_refused(house: House) -> None:
    arn = await key(house)
    await house.call("kms", "DisableKey", KeyId=arn)
    with pytest.raises(ServiceError) as error:
        await made(house, arn)
    assert error.value.code == "InvalidParameterValueException"
    assert "KMS Exception: DisabledException" in error.value.message
