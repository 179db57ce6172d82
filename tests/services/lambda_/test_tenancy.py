"""Functions whose tenants have instances of their own."""

from __future__ import annotations

from typing import Any

import pytest

from tests.node import Account
from tests.services.lambda_.functions import create, zip_of
from tests.services.lambda_.house import ACCOUNT, House
from tule.core.errors import ServiceError

ISOLATED: dict[str, Any] = {"TenancyConfig": {"TenantIsolationMode": "PER_TENANT"}}
REMEMBERS = "SEEN = []\ndef handler(event, context):\n    SEEN.append(context.tenant_id)\n    return SEEN\n"
REMEMBERS_TOO = "const seen = [];\nexports.handler = async (event, context) => (seen.push(context.tenantId), seen);\n"


async def refusal(house: House, operation: str, **params: Any) -> tuple[str, str]:
    with pytest.raises(ServiceError) as error:
        await house.lam(operation, FunctionName="fun", **params)
    return error.value.code, error.value.message


async def test_each_tenant_has_instances_of_its_own(house: House) -> None:
    await house.function(**ISOLATED)
    assert (await house.lam("GetFunctionConfiguration", FunctionName="fun"))["TenancyConfig"] == ISOLATED["TenancyConfig"]
    for tenant in ("blue", "green", "blue"):
        assert (await house.invoke(1, TenantId=tenant))["StatusCode"] == 200
    await house.invoke(2, TenantId="red", InvocationType="Event")
    await house.settle()
    assert [run.spec.tenant for run in house.compute.runs] == ["blue", "green", "blue", "red"]
    keys = [run.spec.key for run in house.compute.runs]
    assert keys[0] == keys[2]
    assert len(set(keys)) == 3


async def test_a_tenant_is_named_where_there_are_tenants_and_nowhere_else(house: House) -> None:
    await house.function(**ISOLATED)
    await house.function("plain")
    assert await refusal(house, "Invoke") == (
        "InvalidParameterValueException",
        "The invoked function is enabled with tenancy configuration. Add a valid tenant ID in your request and try again.",
    )
    with pytest.raises(ServiceError) as error:
        await house.invoke(1, "plain", TenantId="blue")
    assert error.value.message == "The invoked function is not enabled with tenancy configuration."


async def test_what_knows_no_tenants_is_refused(house: House) -> None:
    await house.function(**ISOLATED, Publish=True)
    await house.call("sqs", "CreateQueue", QueueName="q")
    source = f"arn:aws:sqs:us-east-1:{ACCOUNT}:q"
    code = "InvalidParameterValueException"
    assert (await refusal(house, "CreateFunctionUrlConfig", AuthType="NONE"))[0] == code
    assert (await refusal(house, "CreateEventSourceMapping", EventSourceArn=source))[0] == code
    assert (await refusal(house, "PutProvisionedConcurrencyConfig", Qualifier="1", ProvisionedConcurrentExecutions=1))[0] == code
    assert (await refusal(house, "UpdateFunctionConfiguration", SnapStart={"ApplyOn": "PublishedVersions"}))[0] == code


@pytest.mark.parametrize(("runtime", "code"), [("python3.12", REMEMBERS), ("nodejs20.x", REMEMBERS_TOO)])
def test_a_handler_knows_its_tenant_and_nothing_of_the_others(aws: Account, runtime: str, code: str) -> None:
    package = zip_of({"index.py" if runtime.startswith("python") else "index.js": code})
    create(aws, Runtime=runtime, Code={"ZipFile": package}, Timeout=30, **ISOLATED)

    def seen(tenant: str) -> str:
        return aws.lambda_.invoke(FunctionName="f", TenantId=tenant)["Payload"].read().decode().replace(" ", "")

    assert [seen("blue"), seen("green"), seen("blue")] == ['["blue"]', '["green"]', '["blue","blue"]']
