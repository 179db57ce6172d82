"""Pipes with a key of KMS: filters and templates are encrypted while they are kept, and the role needs the key."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.services.lambda_.house import ACCOUNT, REGION
from tests.services.pipes.house import PipesHouse, arn
from tule.core.errors import ServiceError
from tule.services.pipes import state
from tule.services.pipes.names import PipeRef

pytestmark = pytest.mark.parametrize("house", ["sqlite"], indirect=True)

FILTERS = {"FilterCriteria": {"Filters": [{"Pattern": '{"body": {"secret": ["wanted"]}}'}]}}
TEMPLATE = {"InputTemplate": '{"secret": <$.body.secret>}'}


async def _key(house: PipesHouse) -> str:
    return (await house.call("kms", "CreateKey"))["KeyMetadata"]["KeyId"]


async def _encrypted(house: PipesHouse, key: str) -> None:
    await house.queue("out")
    await house.pipe(arn("sqs", "out"), SourceParameters=FILTERS, TargetParameters=TEMPLATE, KmsKeyIdentifier=key)


async def test_filters_and_templates_are_kept_encrypted_and_hold(house: PipesHouse) -> None:
    await _encrypted(house, await _key(house))
    kept: dict[str, Any] = await house.node.store.read(lambda tx: state.get(tx, PipeRef(ACCOUNT, REGION, "p")))
    assert "secret" not in json.dumps(kept)
    shown = await house.call("pipes", "DescribePipe", Name="p")
    assert shown["SourceParameters"]["FilterCriteria"] == FILTERS["FilterCriteria"]
    assert shown["TargetParameters"] == TEMPLATE
    for secret in ("unwanted", "wanted"):
        await house.send({"secret": secret})
    await house.settle()
    assert [json.loads(body) for body in await house.bodies()] == [{"secret": "wanted"}]


async def test_an_update_keeps_what_it_does_not_say(house: PipesHouse) -> None:
    await _encrypted(house, await _key(house))
    role = (await house.call("pipes", "DescribePipe", Name="p"))["RoleArn"]
    await house.call("pipes", "UpdatePipe", Name="p", RoleArn=role, KmsKeyIdentifier="")
    await house.settle()
    kept: dict[str, Any] = await house.node.store.read(lambda tx: state.get(tx, PipeRef(ACCOUNT, REGION, "p")))
    assert kept["settings"]["TargetParameters"] == TEMPLATE
    assert kept["settings"]["SourceParameters"]["FilterCriteria"] == FILTERS["FilterCriteria"]


async def test_a_role_without_the_key_makes_no_pipe(house: PipesHouse) -> None:
    await house.allow("sqs:*")
    with pytest.raises(ServiceError, match="kms:GenerateDataKey") as raised:
        await _encrypted(house, await _key(house))
    assert raised.value.code == "ValidationException"


async def test_a_key_that_was_taken_away_stops_the_pipe_until_it_is_back(house: PipesHouse) -> None:
    key = await _key(house)
    await _encrypted(house, key)
    await house.call("kms", "DisableKey", KeyId=key)
    await house.advance(301)  # what a data key is remembered for
    await house.send({"secret": "wanted"})
    await house.advance(60)
    assert await house.bodies() == []
    await house.call("kms", "EnableKey", KeyId=key)
    await house.advance(900)
    assert [json.loads(body) for body in await house.bodies()] == [{"secret": "wanted"}]
