"""What a function or an account keeps of its own: code signing, runtime management, resource policies, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.node import Account
from tests.services.lambda_.functions import ECHO, arn, create, refused, status, zipped

PUBLISHERS = {"SigningProfileVersionArns": ["arn:aws:signer:us-east-1:123456789012:/signing-profiles/test/abcdefghij"]}


def test_a_code_signing_configuration_is_made_used_and_taken_away(aws: Account) -> None:
    create(aws)
    policy = {"UntrustedArtifactOnDeployment": "Enforce"}
    made = aws.lambda_.create_code_signing_config(Description="d", AllowedPublishers=PUBLISHERS, CodeSigningPolicies=policy, Tags={"a": "b"})
    config = made["CodeSigningConfig"]
    signing = config["CodeSigningConfigArn"]
    assert signing == f"arn:aws:lambda:us-east-1:{aws.id}:code-signing-config:{config['CodeSigningConfigId']}"
    assert config["CodeSigningConfigId"].startswith("csc-")
    changed = aws.lambda_.update_code_signing_config(CodeSigningConfigArn=signing, CodeSigningPolicies={"UntrustedArtifactOnDeployment": "Warn"})
    assert changed["CodeSigningConfig"]["CodeSigningPolicies"] == {"UntrustedArtifactOnDeployment": "Warn"}
    assert aws.lambda_.get_function_code_signing_config(FunctionName="f")["FunctionName"] == "f"
    assert "CodeSigningConfigArn" not in aws.lambda_.get_function_code_signing_config(FunctionName="f")
    aws.lambda_.put_function_code_signing_config(FunctionName="f", CodeSigningConfigArn=signing)
    assert aws.lambda_.list_functions_by_code_signing_config(CodeSigningConfigArn=signing)["FunctionArns"] == [arn(aws, "f")]
    assert [each["CodeSigningConfigArn"] for each in aws.lambda_.list_code_signing_configs()["CodeSigningConfigs"]] == [signing]
    assert aws.lambda_.list_tags(Resource=signing)["Tags"] == {"a": "b"}
    with pytest.raises(ClientError) as error:
        aws.lambda_.delete_code_signing_config(CodeSigningConfigArn=signing)
    assert refused(error)[0] == "ResourceConflictException"
    aws.lambda_.delete_function_code_signing_config(FunctionName="f")
    aws.lambda_.delete_code_signing_config(CodeSigningConfigArn=signing)
    with pytest.raises(ClientError) as error:
        aws.lambda_.get_code_signing_config(CodeSigningConfigArn=signing)
    assert refused(error)[0] == "ResourceNotFoundException"
    with pytest.raises(ClientError) as error:
        aws.lambda_.put_function_code_signing_config(FunctionName="f", CodeSigningConfigArn=signing)
    assert refused(error)[0] == "CodeSigningConfigNotFoundException"


def test_runtime_management_is_kept_for_each_version(aws: Account) -> None:
    create(aws, Publish=True)
    shown = aws.lambda_.get_runtime_management_config(FunctionName="f")
    assert (shown["UpdateRuntimeOn"], shown["FunctionArn"]) == ("Auto", arn(aws, "f") + ":$LATEST")
    aws.lambda_.put_runtime_management_config(FunctionName="f", Qualifier="1", UpdateRuntimeOn="FunctionUpdate")
    assert aws.lambda_.get_runtime_management_config(FunctionName="f", Qualifier="1")["UpdateRuntimeOn"] == "FunctionUpdate"
    assert aws.lambda_.get_runtime_management_config(FunctionName="f")["UpdateRuntimeOn"] == "Auto"
    with pytest.raises(ClientError) as error:
        aws.lambda_.put_runtime_management_config(FunctionName="f", UpdateRuntimeOn="Manual")
    assert refused(error)[0] == "InvalidParameterValueException"


def statement(account: str, action: str = "lambda:InvokeFunction") -> dict[str, Any]:
    return {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{account}:root"}, "Action": action, "Resource": "*"}


def test_a_resource_policy_is_put_whole_and_decides(aws: Account) -> None:
    create(aws)
    other = aws.node.fresh_account()
    with pytest.raises(ClientError):
        other.lambda_.invoke(FunctionName=arn(aws, "f"))
    aws.lambda_.add_permission(FunctionName="f", StatementId="old", Action="lambda:InvokeFunction", Principal="s3.amazonaws.com")
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement(other.id)]})
    made = aws.lambda_.put_resource_policy(ResourceArn=arn(aws, "f"), Policy=policy)
    assert other.lambda_.invoke(FunctionName=arn(aws, "f"))["StatusCode"] == 200
    kept = json.loads(aws.lambda_.get_resource_policy(ResourceArn=arn(aws, "f"))["Policy"])
    assert [each["Principal"] for each in kept["Statement"]] == [{"AWS": f"arn:aws:iam::{other.id}:root"}]
    assert json.loads(aws.lambda_.get_policy(FunctionName="f")["Policy"]) == kept
    with pytest.raises(ClientError) as error:
        aws.lambda_.delete_resource_policy(ResourceArn=arn(aws, "f"), RevisionId="00000000-0000-4000-8000-000000000000")
    assert status(error) == 412
    aws.lambda_.delete_resource_policy(ResourceArn=arn(aws, "f"), RevisionId=made["RevisionId"])
    with pytest.raises(ClientError) as error:
        aws.lambda_.get_resource_policy(ResourceArn=arn(aws, "f"))
    assert refused(error)[0] == "ResourceNotFoundException"


@pytest.mark.parametrize(
    "settings",
    [
        {"PackageType": "Image", "Code": {"ImageUri": "123456789012.dkr.ecr.us-east-1.amazonaws.com/x:latest"}},
        {"ImageConfig": {"Command": ["x"]}},
    ],
    ids=lambda settings: next(iter(settings)),
)
def test_what_is_not_built_is_refused_by_its_name(aws: Account, settings: dict[str, Any]) -> None:
    with pytest.raises(ClientError) as error:
        create(aws, **settings)
    assert (refused(error)[0], status(error)) == ("NotImplemented", 501)
    assert next(iter(settings)) in refused(error)[1]


def test_code_is_given_in_one_way_and_kept_in_one(aws: Account) -> None:
    create(aws)
    code = zipped(index=ECHO)
    with pytest.raises(ClientError) as error:
        aws.lambda_.update_function_code(FunctionName="f", ZipFile=code, S3Bucket="some-bucket", S3Key="k")
    assert refused(error) == (
        "InvalidParameterValueException",
        "Please do not provide other FunctionCode parameters when providing a ZipFile.",
    )
    for unbuilt in ({"S3ObjectStorageMode": "REFERENCE"}, {"SourceKMSKeyArn": "arn:aws:kms:us-east-1:123456789012:key/x"}):
        with pytest.raises(ClientError) as error:
            aws.lambda_.update_function_code(FunctionName="f", ZipFile=code, **unbuilt)
        assert (refused(error)[0], status(error)) == ("NotImplemented", 501)


def test_snap_start_is_for_some_runtimes(aws: Account) -> None:
    made = create(aws, SnapStart={"ApplyOn": "PublishedVersions"}, Publish=True)
    assert made["SnapStart"] == {"ApplyOn": "PublishedVersions", "OptimizationStatus": "On"}
    assert aws.lambda_.get_function_configuration(FunctionName="f")["SnapStart"]["OptimizationStatus"] == "Off"
    with pytest.raises(ClientError) as error:
        create(aws, "g", Runtime="nodejs22.x", SnapStart={"ApplyOn": "PublishedVersions"})
    assert refused(error) == ("InvalidParameterValueException", "nodejs22.x is not supported for SnapStart enabled functions.")


def test_a_function_leaves_its_network_by_empty_lists(aws: Account) -> None:
    create(aws, VpcConfig={"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]})
    aws.lambda_.update_function_configuration(FunctionName="f", VpcConfig={"SubnetIds": [], "SecurityGroupIds": []})
    shown = aws.lambda_.get_function_configuration(FunctionName="f")["VpcConfig"]
    assert shown == {"SubnetIds": [], "SecurityGroupIds": [], "VpcId": "", "Ipv6AllowedForDualStack": False}


def test_a_file_system_needs_a_network_and_is_said_not_to_be_there(aws: Account) -> None:
    place = {"Arn": "arn:aws:elasticfilesystem:us-east-1:123456789012:access-point/fsap-12345678901234567", "LocalMountPath": "/mnt/x"}
    with pytest.raises(ClientError) as error:
        create(aws, FileSystemConfigs=[place])
    assert refused(error)[1] == "Function must be configured in VPC to reference access points."
    create(aws, FileSystemConfigs=[place], VpcConfig={"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]})
    assert aws.lambda_.get_function_configuration(FunctionName="f")["StateReason"] == f"The file system {place['Arn']} is not mounted at /mnt/x."


@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("update_function_code", {"ZipFile": zipped(index="x")}),
        ("update_function_configuration", {"Timeout": 9}),
        ("publish_version", {}),
        ("add_permission", {"StatementId": "s", "Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com"}),
    ],
)
def test_a_stale_revision_is_refused(aws: Account, operation: str, params: dict[str, Any]) -> None:
    create(aws)
    with pytest.raises(ClientError) as error:
        getattr(aws.lambda_, operation)(FunctionName="f", RevisionId="00000000-0000-4000-8000-000000000000", **params)
    assert (refused(error)[0], status(error)) == ("PreconditionFailedException", 412)


def test_code_that_must_be_signed_is_not_deployed_unsigned(aws: Account) -> None:
    create(aws)
    policies = {"UntrustedArtifactOnDeployment": "Enforce"}
    made = aws.lambda_.create_code_signing_config(AllowedPublishers=PUBLISHERS, CodeSigningPolicies=policies)
    signing = made["CodeSigningConfig"]["CodeSigningConfigArn"]
    with pytest.raises(ClientError) as error:
        create(aws, "g", CodeSigningConfigArn=signing)
    assert refused(error)[0] == "CodeVerificationFailedException"
    assert status(error) == 400
    aws.lambda_.put_function_code_signing_config(FunctionName="f", CodeSigningConfigArn=signing)
    before = aws.lambda_.get_function_configuration(FunctionName="f")["CodeSha256"]
    for rehearsal in (True, False):
        with pytest.raises(ClientError) as error:
            aws.lambda_.update_function_code(FunctionName="f", ZipFile=zipped(index="handler = print\n"), DryRun=rehearsal)
        assert refused(error)[0] == "CodeVerificationFailedException"
    assert aws.lambda_.get_function_configuration(FunctionName="f")["CodeSha256"] == before
    aws.lambda_.update_function_configuration(FunctionName="f", Description="settings are not code")
    aws.lambda_.update_code_signing_config(CodeSigningConfigArn=signing, CodeSigningPolicies={"UntrustedArtifactOnDeployment": "Warn"})
    changed = aws.lambda_.update_function_code(FunctionName="f", ZipFile=zipped(index="handler = print\n"))
    assert changed["CodeSha256"] != before
