"""Provisioned and reserved concurrency: what is kept, who may have it, and what spills over."""

from __future__ import annotations

import asyncio
import json

import pytest
from botocore.exceptions import ClientError

from tests.node import Account
from tests.services.lambda_.functions import create, refused
from tests.services.lambda_.house import House
from tests.services.lambda_.test_end_to_end import eventually
from tule.core.errors import ServiceError
from tule.services.lambda_.concurrency import Concurrency, Share
from tule.services.lambda_.names import FunctionRef

KIND = "import os\ndef handler(event, context):\n    return os.environ['AWS_LAMBDA_INITIALIZATION_TYPE']\n"
REF = FunctionRef("123456789012", "us-east-1", "fun")


async def ready(house: House, qualifier: str = "1") -> dict[str, object]:
    async with asyncio.timeout(20):
        while True:
            found = await house.lam("GetProvisionedConcurrencyConfig", FunctionName="fun", Qualifier=qualifier)
            if found["Status"] == "READY":
                return found
            await asyncio.sleep(0.01)


async def kept(house: House, versions: int) -> None:
    """Until so many versions have provisioned instances."""
    async with asyncio.timeout(20):
        while len(house.compute.kept) != versions:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_a_version_gets_its_instances_and_loses_them(house: House) -> None:
    await house.function(Publish=True)
    asked = await house.lam("PutProvisionedConcurrencyConfig", FunctionName="fun", Qualifier="1", ProvisionedConcurrentExecutions=5)
    assert (asked["Status"], asked["RequestedProvisionedConcurrentExecutions"]) == ("IN_PROGRESS", 5)
    assert (asked["AllocatedProvisionedConcurrentExecutions"], asked["AvailableProvisionedConcurrentExecutions"]) == (0, 0)
    found = await ready(house)
    assert (found["AllocatedProvisionedConcurrentExecutions"], found["AvailableProvisionedConcurrentExecutions"]) == (5, 5)
    assert list(house.compute.kept.values()) == [5]
    await house.lam("DeleteProvisionedConcurrencyConfig", FunctionName="fun", Qualifier="1")
    await kept(house, 0)
    with pytest.raises(ServiceError) as error:
        await house.lam("GetProvisionedConcurrencyConfig", FunctionName="fun", Qualifier="1")
    assert (error.value.code, error.value.message) == (
        "ProvisionedConcurrencyConfigNotFoundException",
        "No Provisioned Concurrency Config found for this function",
    )


async def test_an_alias_takes_its_instances_along(house: House) -> None:
    await house.function(Publish=True)
    await house.lam("CreateAlias", FunctionName="fun", Name="live", FunctionVersion="1")
    await house.lam("PutProvisionedConcurrencyConfig", FunctionName="fun", Qualifier="live", ProvisionedConcurrentExecutions=2)
    await ready(house, "live")
    await house.lam("UpdateFunctionConfiguration", FunctionName="fun", Timeout=9)
    await house.lam("PublishVersion", FunctionName="fun")
    await house.lam("UpdateAlias", FunctionName="fun", Name="live", FunctionVersion="2")
    await ready(house, "live")
    await kept(house, 1)
    assert ["|2|" in key for key in house.compute.kept] == [True]
    listed = (await house.lam("ListProvisionedConcurrencyConfigs", FunctionName="fun"))["ProvisionedConcurrencyConfigs"]
    assert [each["FunctionArn"].rpartition(":")[2] for each in listed] == ["live"]


@pytest.mark.parametrize(
    ("qualifier", "code", "message"),
    [
        ("$LATEST", "InvalidParameterValueException", "Provisioned Concurrency Configs cannot be applied to unpublished function versions."),
        ("9", "ResourceNotFoundException", "Function not found: arn:aws:lambda:us-east-1:123456789012:function:fun:9"),
        ("nope", "ResourceNotFoundException", "Cannot find alias arn: arn:aws:lambda:us-east-1:123456789012:function:fun:nope"),
        ("live", "ResourceConflictException", "Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version"),
    ],
)
async def test_not_everything_can_have_provisioned_instances(house: House, qualifier: str, code: str, message: str) -> None:
    await house.function(Publish=True)
    await house.lam("CreateAlias", FunctionName="fun", Name="live", FunctionVersion="1")
    await house.lam("PutProvisionedConcurrencyConfig", FunctionName="fun", Qualifier="1", ProvisionedConcurrentExecutions=1)
    with pytest.raises(ServiceError) as error:
        await house.lam("PutProvisionedConcurrencyConfig", FunctionName="fun", Qualifier=qualifier, ProvisionedConcurrentExecutions=1)
    assert (error.value.code, error.value.message) == (code, message)


async def test_the_account_and_the_reservation_limit_what_can_be_provisioned(house: House) -> None:
    await house.function(Publish=True)

    async def refusal(count: int) -> str:
        with pytest.raises(ServiceError) as error:
            await house.lam("PutProvisionedConcurrencyConfig", FunctionName="fun", Qualifier="1", ProvisionedConcurrentExecutions=count)
        return error.value.message

    assert await refusal(1001) == "Specified ConcurrentExecutions for function is greater than account's unreserved concurrency [1000]."
    assert await refusal(901) == (
        "Specified ConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [100]."
    )
    await house.lam("PutFunctionConcurrency", FunctionName="fun", ReservedConcurrentExecutions=2)
    assert await refusal(3) == "Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for function"
    await house.lam("PutProvisionedConcurrencyConfig", FunctionName="fun", Qualifier="1", ProvisionedConcurrentExecutions=2)
    with pytest.raises(ServiceError) as error:
        await house.lam("PutFunctionConcurrency", FunctionName="fun", ReservedConcurrentExecutions=1)
    assert error.value.message == " ReservedConcurrentExecutions  1 should not be lower than function's total provisioned concurrency [2]."
    with pytest.raises(ServiceError) as error:
        await house.invoke()  # all that is reserved is provisioned for version 1
    assert error.value.fields["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
    assert (await house.invoke(1, "fun:1"))["ExecutedVersion"] == "1"


async def test_provisioned_instances_are_not_for_others(house: House) -> None:
    await house.function(Publish=True)
    await house.lam("PutProvisionedConcurrencyConfig", FunctionName="fun", Qualifier="1", ProvisionedConcurrentExecutions=300)
    limits = (await house.lam("GetAccountSettings"))["AccountLimit"]
    assert (limits["ConcurrentExecutions"], limits["UnreservedConcurrentExecutions"]) == (1000, 700)


def test_what_provisioned_instances_cannot_take_spills_over() -> None:
    concurrency = Concurrency(10)
    share = Share("v1", provisioned=2, provisioned_in_all=2, kept_from_all=2)
    slots = [concurrency.enter(REF, share) for _ in range(10)]
    assert [slot[0] for slot in slots] == ["provisioned"] * 2 + ["shared"] * 8
    with pytest.raises(ServiceError) as error:
        concurrency.enter(REF, share)
    assert error.value.fields["Reason"] == "ConcurrentInvocationLimitExceeded"
    concurrency.leave(slots[0])
    assert concurrency.enter(REF, share)[0] == "provisioned"


def test_ten_requests_a_second_for_each_execution() -> None:
    now = [100.0]
    concurrency = Concurrency(1000, lambda: now[0])
    share = Share("v1", reserved=2)

    def begin_and_end() -> None:
        concurrency.leave(concurrency.enter(REF, share))

    for _ in range(20):
        begin_and_end()
    with pytest.raises(ServiceError) as error:
        begin_and_end()
    assert error.value.fields["Reason"] == "ReservedFunctionInvocationRateLimitExceeded"
    now[0] += 0.06
    begin_and_end()
    with pytest.raises(ServiceError):
        begin_and_end()


def test_a_provisioned_instance_knows_what_it_is(aws: Account) -> None:
    create(aws, code=KIND, Publish=True)
    assert json.load(aws.lambda_.invoke(FunctionName="f:1")["Payload"]) == "on-demand"
    aws.lambda_.put_provisioned_concurrency_config(FunctionName="f", Qualifier="1", ProvisionedConcurrentExecutions=1)

    def is_ready() -> bool:
        return aws.lambda_.get_provisioned_concurrency_config(FunctionName="f", Qualifier="1")["Status"] == "READY"

    eventually(is_ready)
    assert json.load(aws.lambda_.invoke(FunctionName="f:1")["Payload"]) == "provisioned-concurrency"


def test_instances_that_cannot_be_initialised_are_told(aws: Account) -> None:
    create(aws, code="raise ValueError('never')\n", Publish=True)
    aws.lambda_.put_provisioned_concurrency_config(FunctionName="f", Qualifier="1", ProvisionedConcurrentExecutions=1)

    def failed() -> dict[str, str] | None:
        found = aws.lambda_.get_provisioned_concurrency_config(FunctionName="f", Qualifier="1")
        return found if found["Status"] == "FAILED" else None

    assert eventually(failed)["StatusReason"].startswith("FUNCTION_ERROR_INIT_FAILURE")


def test_too_many_at_once_are_told_why(aws: Account) -> None:
    create(aws)
    aws.lambda_.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=0)
    with pytest.raises(ClientError) as error:
        aws.lambda_.invoke(FunctionName="f")
    assert refused(error) == ("TooManyRequestsException", "Rate Exceeded.")
    assert error.value.response["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
