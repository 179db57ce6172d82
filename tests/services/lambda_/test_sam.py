"""Functions of SAM templates: their URLs, aliases, destinations, policies and connectors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import samtranslator
from botocore.exceptions import ClientError

from tests.node import Account
from tests.services.lambda_.functions import refused
from tests.services.lambda_.test_end_to_end import eventually
from tests.services.lambda_.test_resources import SOON
from tests.services.lambda_.test_urls import ask

ECHO = "def handler(event, context):\n    return 'hi'\n"
CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]


def function(code: str = ECHO, **properties: Any) -> dict[str, Any]:
    return {
        "Type": "AWS::Serverless::Function",
        "Properties": {"Runtime": "python3.12", "Handler": "index.handler", "InlineCode": code, **properties},
    }


def deploy(aws: Account, resources: dict[str, Any], outputs: dict[str, Any] | None = None, kind: str = "CREATE") -> dict[str, str]:
    """Creates or updates the stack `s`; its outputs."""
    shown = {name: {"Value": value} for name, value in (outputs or {}).items()}
    body = {"Transform": "AWS::Serverless-2016-10-31", "Resources": resources, "Outputs": shown}
    service = aws.cloudformation
    service.create_change_set(StackName="s", ChangeSetName="c", ChangeSetType=kind, TemplateBody=json.dumps(body), Capabilities=CAPABILITIES)
    service.get_waiter("change_set_create_complete").wait(StackName="s", ChangeSetName="c", WaiterConfig=SOON)
    service.execute_change_set(StackName="s", ChangeSetName="c")
    service.get_waiter(f"stack_{kind.lower()}_complete").wait(StackName="s", WaiterConfig=SOON)
    stack = service.describe_stacks(StackName="s")["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


def delete(aws: Account) -> None:
    aws.cloudformation.delete_stack(StackName="s")
    aws.cloudformation.get_waiter("stack_delete_complete").wait(StackName="s", WaiterConfig=SOON)


def test_a_public_url_answers_everybody(aws: Account) -> None:
    cors = {"AllowOrigins": ["https://example.com"]}
    url = deploy(aws, {"F": function(FunctionUrlConfig={"AuthType": "NONE", "Cors": cors})}, {"Url": {"Fn::GetAtt": ["FUrl", "FunctionUrl"]}})["Url"]
    answer = ask(url, headers={"Origin": "https://example.com"})
    assert (answer.status, answer.body, answer.header("access-control-allow-origin")) == (200, b"hi", "https://example.com")
    changed = deploy(
        aws,
        {"F": function(FunctionUrlConfig={"AuthType": "AWS_IAM"})},
        {"Url": {"Fn::GetAtt": ["FUrl", "FunctionUrl"]}},
        "UPDATE",
    )
    assert changed["Url"] == url
    assert ask(url).status == 403
    delete(aws)
    assert ask(url).status == 404


def test_an_alias_moves_to_each_new_version_and_keeps_its_instances(aws: Account) -> None:
    settings: dict[str, Any] = {"AutoPublishAlias": "live", "ProvisionedConcurrencyConfig": {"ProvisionedConcurrentExecutions": 1}}
    name = deploy(aws, {"F": function(**settings)}, {"Name": {"Ref": "F"}})["Name"]
    alias = {"FunctionName": name, "Qualifier": "live"}
    assert aws.lambda_.get_provisioned_concurrency_config(**alias)["Status"] == "READY"
    assert json.load(aws.lambda_.invoke(**alias)["Payload"]) == "hi"
    deploy(aws, {"F": function(ECHO.replace("hi", "hello"), **settings)}, {"Name": {"Ref": "F"}}, "UPDATE")
    assert json.load(aws.lambda_.invoke(**alias)["Payload"]) == "hello"
    assert aws.lambda_.get_alias(FunctionName=name, Name="live")["FunctionVersion"] == "2"
    delete(aws)


def test_what_became_of_an_event_is_told_to_the_queue_that_the_template_makes(aws: Account) -> None:
    told = {"EventInvokeConfig": {"MaximumRetryAttempts": 0, "DestinationConfig": {"OnSuccess": {"Type": "SQS"}}}}
    made = deploy(aws, {"F": function(**told)}, {"Name": {"Ref": "F"}, "Queue": {"Ref": "FEventInvokeConfigOnSuccessQueue"}})
    aws.lambda_.invoke(FunctionName=made["Name"], InvocationType="Event", Payload=b'{"a": 1}')
    (message,) = eventually(lambda: aws.sqs.receive_message(QueueUrl=made["Queue"], WaitTimeSeconds=1).get("Messages"))
    record = json.loads(message["Body"])
    assert (record["requestPayload"], record["responsePayload"], record["requestContext"]["condition"]) == ({"a": 1}, "hi", "Success")


SEND = """
import boto3, os
def handler(event, context):
    boto3.client("sqs").send_message(QueueUrl=os.environ["QUEUE"], MessageBody="sent")
"""


def test_a_connector_lets_the_function_write(aws: Account) -> None:
    sender = function(SEND, Environment={"Variables": {"QUEUE": {"Ref": "Q"}}}, Timeout=10)
    connector = {"Properties": {"Destination": {"Id": "Q"}, "Permissions": ["Write"]}}
    made = deploy(
        aws,
        {"F": {**sender, "Connectors": {"ToQueue": connector}}, "Q": {"Type": "AWS::SQS::Queue"}},
        {"Name": {"Ref": "F"}, "Queue": {"Ref": "Q"}},
    )
    assert "FunctionError" not in aws.lambda_.invoke(FunctionName=made["Name"])
    assert aws.sqs.receive_message(QueueUrl=made["Queue"])["Messages"][0]["Body"] == "sent"


def test_gradual_deployments_are_refused_by_what_is_missing(aws: Account) -> None:
    with pytest.raises(ClientError) as error:
        deploy(aws, {"F": function(AutoPublishAlias="live", DeploymentPreference={"Type": "AllAtOnce"})})
    assert refused(error)[0] == "NotImplemented"
    assert "AWS::CodeDeploy::DeploymentGroup" in refused(error)[1]


def test_every_policy_template_can_be_used(aws: Account) -> None:
    path = Path(samtranslator.__file__).parent / "policy_templates_data" / "policy_templates.json"
    known = json.loads(path.read_text())["Templates"]
    key = "arn:aws:kms:us-east-1:123456789012:key/abc"
    used = [{name: {each: key if "Arn" in each else "x" for each in template["Parameters"]}} for name, template in known.items()]
    functions = {f"F{i}": function(Policies=used[i : i + 12]) for i in range(0, len(used), 12)}
    deploy(aws, functions)
    roles = [each["RoleName"] for each in aws.iam.list_roles()["Roles"] if each["RoleName"].startswith("s-")]
    assert sum(len(aws.iam.list_role_policies(RoleName=name)["PolicyNames"]) for name in roles) == len(known)


def test_the_settings_of_a_function_are_kept(aws: Account) -> None:
    settings = {
        "Tracing": "Active",
        "EphemeralStorage": {"Size": 1024},
        "LoggingConfig": {"LogFormat": "JSON", "LogGroup": {"Ref": "L"}},
        "RuntimeManagementConfig": {"UpdateRuntimeOn": "FunctionUpdate"},
        "RecursiveLoop": "Allow",
        "SnapStart": {"ApplyOn": "PublishedVersions"},
        "VpcConfig": {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]},
        "FileSystemConfigs": [
            {"Arn": "arn:aws:elasticfilesystem:us-east-1:123456789012:access-point/fsap-12345678901234567", "LocalMountPath": "/mnt/x"}
        ],
        "CodeSigningConfigArn": {"Ref": "C"},
    }
    publisher = "arn:aws:signer:us-east-1:123456789012:/signing-profiles/x/abcdefghij"
    signing = {
        "Type": "AWS::Lambda::CodeSigningConfig",
        "Properties": {"AllowedPublishers": {"SigningProfileVersionArns": [publisher]}},
    }
    resources = {"F": function(**settings), "L": {"Type": "AWS::Logs::LogGroup"}, "C": signing}
    made = deploy(aws, resources, {"Name": {"Ref": "F"}, "Group": {"Ref": "L"}, "Signing": {"Ref": "C"}})
    name = {"FunctionName": made["Name"]}
    shown = aws.lambda_.get_function_configuration(**name)
    assert shown["LoggingConfig"]["LogGroup"] == made["Group"]
    assert (shown["TracingConfig"]["Mode"], shown["EphemeralStorage"]["Size"]) == ("Active", 1024)
    assert (shown["VpcConfig"]["SubnetIds"], shown["FileSystemConfigs"][0]["LocalMountPath"]) == (["subnet-1"], "/mnt/x")
    assert aws.lambda_.get_runtime_management_config(**name)["UpdateRuntimeOn"] == "FunctionUpdate"
    assert aws.lambda_.get_function_recursion_config(**name)["RecursiveLoop"] == "Allow"
    assert aws.lambda_.get_function_code_signing_config(**name)["CodeSigningConfigArn"] == made["Signing"]
    aws.lambda_.invoke(**name)
    assert eventually(lambda: aws.logs.describe_log_streams(logGroupName=made["Group"])["logStreams"])
