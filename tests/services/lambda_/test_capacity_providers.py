"""Capacity providers, and the functions that use them."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from tests.node import Account
from tests.services.lambda_.functions import ECHO, TRUST_LAMBDA, create, zipped
from tests.services.lambda_.house import ACCOUNT, House
from tests.services.lambda_.test_resources import function, run
from tule.core.errors import ServiceError

VPC = {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}
NAME = {"CapacityProviderName": "pool"}
ARN = f"arn:aws:lambda:us-east-1:{ACCOUNT}:capacity-provider:pool"
USES_IT: dict[str, Any] = {"CapacityProviderConfig": {"LambdaManagedInstancesCapacityProviderConfig": {"CapacityProviderArn": ARN}}}
MANAGED: dict[str, Any] = {"Runtime": "python3.13", **USES_IT}


async def provider(house: House, **settings: Any) -> dict[str, Any]:
    role = await house.call("iam", "CreateRole", RoleName="operator", AssumeRolePolicyDocument=json.dumps(TRUST_LAMBDA))
    permissions = {"CapacityProviderOperatorRoleArn": role["Role"]["Arn"]}
    return (await house.lam("CreateCapacityProvider", **NAME, VpcConfig=VPC, PermissionsConfig=permissions, **settings))["CapacityProvider"]


async def refusal(house: House, operation: str, **params: Any) -> tuple[str, str]:
    with pytest.raises(ServiceError) as error:
        await house.lam(operation, **params)
    return error.value.code, error.value.message


async def test_a_provider_is_kept_changed_listed_and_deleted(house: House) -> None:
    made = await provider(house, Tags={"team": "blue"})
    assert (made["CapacityProviderArn"], made["State"], made["VpcConfig"]) == (ARN, "Pending", VPC)
    assert made["InstanceRequirements"] == {"Architectures": ["x86_64"]}
    assert made["CapacityProviderScalingConfig"] == {"MaxVCpuCount": 400, "ScalingMode": "Auto"}
    assert (await house.lam("ListTags", Resource=ARN))["Tags"] == {"team": "blue"}
    policy = [{"PredefinedMetricType": "LambdaCapacityProviderAverageCPUUtilization", "TargetValue": 50.0}]
    scaling = {"ScalingMode": "Manual", "ScalingPolicies": policy, "MaxVCpuCount": 30}
    await house.lam("UpdateCapacityProvider", **NAME, CapacityProviderScalingConfig=scaling)
    found = (await house.lam("GetCapacityProvider", CapacityProviderName=ARN))["CapacityProvider"]
    assert (found["State"], found["CapacityProviderScalingConfig"]) == ("Active", scaling)
    assert [each["CapacityProviderArn"] for each in (await house.lam("ListCapacityProviders", State="Active"))["CapacityProviders"]] == [ARN]
    assert (await house.lam("ListCapacityProviders", State="Failed"))["CapacityProviders"] == []
    assert (await house.lam("DeleteCapacityProvider", **NAME))["CapacityProvider"]["State"] == "Deleting"
    assert (await refusal(house, "GetCapacityProvider", **NAME))[0] == "ResourceNotFoundException"


async def test_a_function_on_a_provider_runs_its_published_versions(house: House) -> None:
    await provider(house)
    await house.function(**MANAGED)
    config = await house.lam("GetFunctionConfiguration", FunctionName="fun")
    assert (config["State"], config["MemorySize"]) == ("ActiveNonInvocable", 2048)
    assert config["CapacityProviderConfig"] == USES_IT["CapacityProviderConfig"]
    none = ("NoPublishedVersionException", "The function has no published versions available.")
    assert await refusal(house, "Invoke", FunctionName="fun") == none
    text = "The operation cannot be performed at this time. The function is currently in the following state: ActiveNonInvocable"
    assert await refusal(house, "Invoke", FunctionName="fun", Qualifier="$LATEST") == ("ResourceConflictException", text)
    published = await house.lam("PublishVersion", FunctionName="fun", PublishTo="LATEST_PUBLISHED")
    assert (published["Version"], published["State"]) == ("$LATEST.PUBLISHED", "Active")
    assert (await house.invoke(1))["ExecutedVersion"] == "$LATEST.PUBLISHED"
    assert (await house.lam("PublishVersion", FunctionName="fun"))["Version"] == "1"
    assert (await house.invoke(1, Qualifier="1"))["ExecutedVersion"] == "1"
    listed = (await house.lam("ListFunctionVersionsByCapacityProvider", **NAME))["FunctionVersions"]
    start = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:fun"
    assert {each["FunctionArn"].removeprefix(start): each["State"] for each in listed} == {
        ":$LATEST": "ActiveNonInvocable",
        ":$LATEST.PUBLISHED": "Active",
        ":1": "Active",
    }
    assert (await refusal(house, "DeleteCapacityProvider", **NAME))[0] == "ResourceConflictException"


async def test_what_is_published_in_place_runs_the_new_code(house: House) -> None:
    await provider(house)
    await house.function(**MANAGED, PublishTo="LATEST_PUBLISHED")
    await house.lam("UpdateFunctionConfiguration", FunctionName="fun", Timeout=5400)
    await house.invoke(1)
    await house.lam("PublishVersion", FunctionName="fun", PublishTo="LATEST_PUBLISHED")
    await house.invoke(2)
    assert [run.spec.timeout_s for run in house.compute.runs] == [3, 5400]
    await house.lam("DeleteFunction", FunctionName="fun", Qualifier="$LATEST.PUBLISHED")
    assert (await refusal(house, "Invoke", FunctionName="fun"))[0] == "NoPublishedVersionException"


async def test_a_version_runs_as_often_at_once_as_its_environments_would(house: House) -> None:
    await provider(house)
    at_once: dict[str, Any] = {
        "LambdaManagedInstancesCapacityProviderConfig": {"CapacityProviderArn": ARN, "PerExecutionEnvironmentMaxConcurrency": 2}
    }
    settings: dict[str, Any] = {**MANAGED, "CapacityProviderConfig": at_once, "PublishTo": "LATEST_PUBLISHED"}
    await house.function(**settings)
    scaling = {"MinExecutionEnvironments": 0, "MaxExecutionEnvironments": 1}
    asked = {"FunctionName": "fun", "Qualifier": "$LATEST.PUBLISHED"}
    assert (await house.lam("PutFunctionScalingConfig", **asked, FunctionScalingConfig=scaling))["FunctionState"] == "Active"
    shown = await house.lam("GetFunctionScalingConfig", **asked)
    assert (shown["AppliedFunctionScalingConfig"], shown["RequestedFunctionScalingConfig"]) == (scaling, scaling)
    house.compute.hold = asyncio.Event()
    running = [asyncio.create_task(house.invoke(i)) for i in range(2)]
    async with asyncio.timeout(20):
        while len(house.compute.runs) < 2:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert await refusal(house, "Invoke", FunctionName="fun") == ("TooManyRequestsException", "Rate Exceeded.")
    house.compute.hold.set()
    await asyncio.gather(*running)
    none: dict[str, Any] = {"MinExecutionEnvironments": 0, "MaxExecutionEnvironments": 0}
    assert (await house.lam("PutFunctionScalingConfig", **asked, FunctionScalingConfig=none))["FunctionState"] == "Deactivating"
    assert (await house.lam("GetFunctionConfiguration", **asked))["State"] == "Deactivated"
    assert (await refusal(house, "Invoke", FunctionName="fun"))[0] == "ResourceConflictException"


async def test_what_a_provider_cannot_run_is_refused(house: House) -> None:
    role = (await house.call("iam", "CreateRole", RoleName="r", AssumeRolePolicyDocument=json.dumps(TRUST_LAMBDA)))["Role"]["Arn"]
    nowhere = {"FunctionName": "f", "Role": role, "Handler": "i.h", "Code": {"ZipFile": zipped(index=ECHO)}, **MANAGED}
    await house.function()
    assert (await refusal(house, "CreateFunction", **nowhere))[0] == "ResourceNotFoundException"
    await provider(house)
    for wrong in ({"MemorySize": 1024}, {"Runtime": "python3.9"}, {"Architectures": ["arm64"]}):
        assert (await refusal(house, "CreateFunction", **nowhere | wrong))[0] == "InvalidParameterValueException"
    assert (await refusal(house, "UpdateFunctionConfiguration", FunctionName="fun", **USES_IT))[0] == "InvalidParameterValueException"
    assert (await refusal(house, "PublishVersion", FunctionName="fun", PublishTo="LATEST_PUBLISHED"))[0] == "InvalidParameterValueException"
    scaled = {"FunctionName": "fun", "Qualifier": "1", "FunctionScalingConfig": {"MaxExecutionEnvironments": 1}}
    await house.lam("PublishVersion", FunctionName="fun")
    assert (await refusal(house, "PutFunctionScalingConfig", **scaled))[0] == "InvalidParameterValueException"


def test_a_stack_puts_a_function_on_a_provider(aws: Account) -> None:
    permissions = {"CapacityProviderOperatorRoleArn": {"Fn::GetAtt": ["Role", "Arn"]}}
    pool = {"Type": "AWS::Lambda::CapacityProvider", "Properties": {"VpcConfig": VPC, "PermissionsConfig": permissions}}
    uses = {"LambdaManagedInstancesCapacityProviderConfig": {"CapacityProviderArn": {"Fn::GetAtt": ["Pool", "Arn"]}}}
    resources = {
        "Pool": pool,
        "F": function(Runtime="python3.13", CapacityProviderConfig=uses, FunctionScalingConfig={"MaxExecutionEnvironments": 3}, MemorySize=2048),
    }
    made = run(aws, "create", resources, {"Pool": {"Ref": "Pool"}, "F": {"Ref": "F"}})
    found = aws.lambda_.list_function_versions_by_capacity_provider(CapacityProviderName=made["Pool"])["FunctionVersions"]
    assert sorted(each["FunctionArn"].rpartition(":")[2] for each in found) == ["$LATEST", "$LATEST.PUBLISHED"]
    assert aws.lambda_.invoke(FunctionName=made["F"])["ExecutedVersion"] == "$LATEST.PUBLISHED"
    create(aws)  # others run on the account's concurrency
    assert aws.lambda_.invoke(FunctionName="f")["StatusCode"] == 200
