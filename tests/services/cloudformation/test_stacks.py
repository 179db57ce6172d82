"""Stacks of real resources, through unmodified clients."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, EndpointConnectionError, ReadTimeoutError

from tests.node import Account

ROLE = {
    "Type": "AWS::IAM::Role",
    "Properties": {
        "AssumeRolePolicyDocument": {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
        },
        "ManagedPolicyArns": ["arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"],
    },
}
FUNCTION = {
    "Type": "AWS::Lambda::Function",
    "Properties": {
        "Handler": "index.handler",
        "Runtime": "python3.11",
        "Role": {"Fn::GetAtt": ["Role", "Arn"]},
        "Code": {"ZipFile": "def handler(event, context):\n    return 1\n"},
    },
}
SAM = """
AWSTemplateFormatVersion: "2010-09-09"
Transform: AWS::Serverless-2016-10-31
Parameters:
  Bucket: {Type: String}
  Size: {Type: Number, Default: 128}
Resources:
  Pictures:
    Type: AWS::S3::Bucket
    Properties: {BucketName: !Ref Bucket}
  Make:
    Type: AWS::Serverless::Function
    Properties:
      Handler: index.handler
      Runtime: python3.11
      InlineCode: "def handler(event, context): return 1"
      Environment: {Variables: {SIZE: !Ref Size}}
      Policies: [S3ReadPolicy: {BucketName: !Ref Bucket}]
      Events:
        Arrived: {Type: S3, Properties: {Bucket: !Ref Pictures, Events: "s3:ObjectCreated:*"}}
Outputs:
  Function: {Value: !Ref Make}
  Arn: {Value: !GetAtt Make.Arn}
"""
POLL_S = 0.02
PATIENCE_S = 60.0


def ended(aws: Account, name: str) -> dict[str, Any]:
    """The stack, once nothing is in progress any more."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        stack = aws.cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        if not stack["StackStatus"].endswith("_IN_PROGRESS"):
            return stack
        assert time.monotonic() < deadline, stack
        time.sleep(POLL_S)


def reasons(aws: Account, name: str) -> list[str]:
    events = aws.cloudformation.describe_stack_events(StackName=name)["StackEvents"]
    return [f"{event['LogicalResourceId']} {event['ResourceStatus']} {event.get('ResourceStatusReason', '')}" for event in reversed(events)]


def outputs(stack: dict[str, Any]) -> dict[str, str]:
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


def refusal(call: Any, **params: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as refused:
        call(**params)
    return refused.value.response["Error"]["Code"], refused.value.response["Error"]["Message"]


def test_a_sam_template_becomes_a_bucket_that_wakes_a_function(aws):
    bucket = f"pictures-{aws.id}"
    made = aws.cloudformation.create_change_set(
        StackName="app",
        ChangeSetName="first",
        ChangeSetType="CREATE",
        TemplateBody=SAM,
        Capabilities=["CAPABILITY_IAM"],
        Parameters=[{"ParameterKey": "Bucket", "ParameterValue": bucket}],
        Tags=[{"Key": "team", "Value": "blue"}],
    )
    aws.cloudformation.get_waiter("change_set_create_complete").wait(ChangeSetName=made["Id"])
    shown = aws.cloudformation.describe_change_set(ChangeSetName="first", StackName="app")
    assert [change["ResourceChange"]["ResourceType"] for change in shown["Changes"]] == [
        "AWS::Lambda::Function",
        "AWS::Lambda::Permission",
        "AWS::IAM::Role",
        "AWS::S3::Bucket",
    ]
    aws.cloudformation.execute_change_set(ChangeSetName=made["Id"])
    stack = ended(aws, "app")
    assert stack["StackStatus"] == "CREATE_COMPLETE", reasons(aws, "app")
    name = outputs(stack)["Function"]
    (notification,) = aws.s3.get_bucket_notification_configuration(Bucket=bucket)["LambdaFunctionConfigurations"]
    assert notification["LambdaFunctionArn"] == outputs(stack)["Arn"]
    function = aws.lambda_.get_function(FunctionName=name)
    assert function["Configuration"]["Environment"]["Variables"] == {"SIZE": "128"}
    assert function["Tags"] == {
        "team": "blue",
        "lambda:createdBy": "SAM",
        "aws:cloudformation:stack-name": "app",
        "aws:cloudformation:stack-id": stack["StackId"],
        "aws:cloudformation:logical-id": "Make",
    }
    processed = aws.cloudformation.get_template(StackName="app", TemplateStage="Processed")["TemplateBody"]
    assert "MakeRole" in processed["Resources"]
    assert aws.cloudformation.get_template(StackName="app")["TemplateBody"] == SAM

    aws.cloudformation.update_stack(
        StackName="app",
        UsePreviousTemplate=True,
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        Parameters=[{"ParameterKey": "Bucket", "UsePreviousValue": True}, {"ParameterKey": "Size", "ParameterValue": "256"}],
    )
    assert ended(aws, "app")["StackStatus"] == "UPDATE_COMPLETE", reasons(aws, "app")
    assert aws.lambda_.get_function(FunctionName=name)["Configuration"]["Environment"]["Variables"] == {"SIZE": "256"}

    aws.cloudformation.delete_stack(StackName="app")
    assert ended(aws, stack["StackId"])["StackStatus"] == "DELETE_COMPLETE", reasons(aws, stack["StackId"])
    assert nothing_is_left(aws)


def nothing_is_left(aws: Account) -> bool:
    left = (aws.lambda_.list_functions()["Functions"], aws.s3.list_buckets()["Buckets"], aws.iam.list_roles()["Roles"])
    assert left == ([], [], [])
    return True


def test_a_function_whose_zip_is_broken_leaves_nothing_behind(aws):
    bucket = f"code-{aws.id}"
    aws.s3.create_bucket(Bucket=bucket)
    aws.s3.put_object(Bucket=bucket, Key="code.zip", Body=b"this is no zip file")
    broken = {**FUNCTION, "Properties": {**FUNCTION["Properties"], "Code": {"S3Bucket": bucket, "S3Key": "code.zip"}}}
    template = {"Resources": {"Role": ROLE, "Function": broken, "Bucket": {"Type": "AWS::S3::Bucket"}}}
    aws.cloudformation.create_stack(StackName="app", TemplateBody=json.dumps(template), Capabilities=["CAPABILITY_IAM"])
    stack = ended(aws, "app")
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE", reasons(aws, "app")
    assert any("Function CREATE_FAILED" in line and "zip" in line for line in reasons(aws, "app"))
    aws.s3.delete_object(Bucket=bucket, Key="code.zip")
    aws.s3.delete_bucket(Bucket=bucket)
    assert nothing_is_left(aws)


def test_a_custom_resource_is_a_function_that_answers(aws):
    code = """
import json, urllib.request

def handler(event, context):
    properties = event["ResourceProperties"]
    answer = {
        "Status": "FAILED" if properties.get("Fail") == event["RequestType"] else "SUCCESS",
        "Reason": "told to", "PhysicalResourceId": "it-" + properties["Name"],
        "StackId": event["StackId"], "RequestId": event["RequestId"], "LogicalResourceId": event["LogicalResourceId"],
        "Data": {"Greeting": "hello " + properties["Name"], "Seen": json.dumps(properties["Number"])},
    }
    request = urllib.request.Request(event["ResponseURL"], data=json.dumps(answer).encode(), method="PUT", headers={"content-type": ""})
    urllib.request.urlopen(request)
"""
    function = {**FUNCTION, "Properties": {**FUNCTION["Properties"], "Code": {"ZipFile": code}, "Timeout": 30}}
    properties = {"ServiceToken": {"Fn::GetAtt": ["Function", "Arn"]}, "Name": {"Ref": "Name"}, "Number": 3, "Fail": {"Ref": "Fail"}}
    template = {
        "Parameters": {"Name": {"Type": "String", "Default": "ann"}, "Fail": {"Type": "String", "Default": "never"}},
        "Resources": {"Role": ROLE, "Function": function, "Custom": {"Type": "Custom::Greeting", "Properties": properties}},
        "Outputs": {name: {"Value": {"Fn::GetAtt": ["Custom", name]}} for name in ("Greeting", "Seen")} | {"Id": {"Value": {"Ref": "Custom"}}},
    }
    aws.cloudformation.create_stack(StackName="app", TemplateBody=json.dumps(template), Capabilities=["CAPABILITY_IAM"])
    stack = ended(aws, "app")
    assert stack["StackStatus"] == "CREATE_COMPLETE", reasons(aws, "app")
    assert outputs(stack) == {"Greeting": "hello ann", "Seen": '"3"', "Id": "it-ann"}

    def update(**values: str) -> str:
        parameters = [{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()]
        aws.cloudformation.update_stack(StackName="app", UsePreviousTemplate=True, Parameters=parameters, Capabilities=["CAPABILITY_IAM"])
        return ended(aws, "app")["StackStatus"]

    assert update(Name="bob") == "UPDATE_COMPLETE"
    assert "Custom DELETE_COMPLETE " in reasons(aws, "app"), "another physical id: the first one is deleted"
    assert update(Name="eve", Fail="Update") == "UPDATE_ROLLBACK_COMPLETE"
    assert any("Received response status [FAILED] from custom resource. Message returned: told to" in line for line in reasons(aws, "app"))
    assert outputs(ended(aws, "app"))["Greeting"] == "hello bob"
    aws.cloudformation.delete_stack(StackName="app")
    assert ended(aws, stack["StackId"])["StackStatus"] == "DELETE_COMPLETE"


def test_a_nested_stack_lives_and_dies_with_its_parent(aws):
    bucket = f"templates-{aws.id}"
    aws.s3.create_bucket(Bucket=bucket)
    inner = {
        "Parameters": {"Name": {"Type": "String"}},
        "Resources": {"Group": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": {"Ref": "Name"}}}},
        "Outputs": {"Arn": {"Value": {"Fn::GetAtt": ["Group", "Arn"]}}},
    }
    aws.s3.put_object(Bucket=bucket, Key="inner.json", Body=json.dumps(inner).encode())
    nested = {
        "Type": "AWS::CloudFormation::Stack",
        "Properties": {"TemplateURL": f"https://{bucket}.s3.us-east-1.amazonaws.com/inner.json", "Parameters": {"Name": {"Ref": "Name"}}},
    }
    outer = {
        "Parameters": {"Name": {"Type": "String"}},
        "Resources": {"Inner": nested},
        "Outputs": {"Arn": {"Value": {"Fn::GetAtt": ["Inner", "Outputs.Arn"]}}},
    }
    parameters = [{"ParameterKey": "Name", "ParameterValue": "/first"}]
    aws.cloudformation.create_stack(StackName="outer", TemplateBody=json.dumps(outer), Parameters=parameters)
    stack = ended(aws, "outer")
    assert stack["StackStatus"] == "CREATE_COMPLETE", reasons(aws, "outer")
    assert outputs(stack)["Arn"].endswith(":log-group:/first:*")
    child = aws.cloudformation.describe_stack_resource(StackName="outer", LogicalResourceId="Inner")["StackResourceDetail"]["PhysicalResourceId"]
    shown = ended(aws, child)
    assert (shown["ParentId"], shown["RootId"]) == (stack["StackId"], stack["StackId"])

    parameters = [{"ParameterKey": "Name", "ParameterValue": "/second"}]
    aws.cloudformation.update_stack(StackName="outer", UsePreviousTemplate=True, Parameters=parameters)
    assert outputs(ended(aws, "outer"))["Arn"].endswith(":log-group:/second:*")

    aws.logs.create_log_group(logGroupName="/taken")
    parameters = [{"ParameterKey": "Name", "ParameterValue": "/taken"}]
    aws.cloudformation.update_stack(StackName="outer", UsePreviousTemplate=True, Parameters=parameters)
    assert ended(aws, "outer")["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert any(f"Embedded stack {child} was not successfully updated" in line for line in reasons(aws, "outer"))
    aws.logs.delete_log_group(logGroupName="/taken")
    assert [group["logGroupName"] for group in aws.logs.describe_log_groups()["logGroups"]] == ["/second"]

    aws.cloudformation.delete_stack(StackName="outer")
    assert ended(aws, stack["StackId"])["StackStatus"] == "DELETE_COMPLETE"
    assert ended(aws, child)["StackStatus"] == "DELETE_COMPLETE"
    assert aws.logs.describe_log_groups()["logGroups"] == []


def test_a_stack_waits_for_a_signal(aws):
    template = {
        "Resources": {
            "Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"},
            "Wait": {
                "Type": "AWS::CloudFormation::WaitCondition",
                "DependsOn": "Handle",
                "Properties": {"Handle": {"Ref": "Handle"}, "Timeout": "60", "Count": 1},
            },
        },
        "Outputs": {"Data": {"Value": {"Fn::GetAtt": ["Wait", "Data"]}}},
    }
    aws.cloudformation.create_stack(StackName="app", TemplateBody=json.dumps(template))
    while "Wait CREATE_IN_PROGRESS " not in reasons(aws, "app"):
        time.sleep(POLL_S)
    assert aws.cloudformation.describe_stacks(StackName="app")["Stacks"][0]["StackStatus"] == "CREATE_IN_PROGRESS"
    while True:
        try:
            aws.cloudformation.signal_resource(StackName="app", LogicalResourceId="Wait", UniqueId="one", Status="SUCCESS")
            break
        except ClientError:
            time.sleep(POLL_S)
    assert outputs(ended(aws, "app")) == {"Data": '{"one":""}'}


@pytest.mark.parametrize(
    ("timeout", "limit", "reason"),
    [
        ("3600", {}, "WaitCondition timed out. Received 0 conditions when expecting 1"),
        ("7200", {"TimeoutInMinutes": 60}, "Resource creation cancelled"),
    ],
)
def test_a_stack_does_not_wait_for_ever(turned, timeout, limit, reason):
    template = {
        "Resources": {
            "Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"},
            "Wait": {"Type": "AWS::CloudFormation::WaitCondition", "Properties": {"Handle": {"Ref": "Handle"}, "Timeout": timeout}},
        }
    }
    turned.cloudformation.create_stack(StackName="app", TemplateBody=json.dumps(template), **limit)
    turned.node.advance(3_590)
    assert turned.cloudformation.describe_stacks(StackName="app")["Stacks"][0]["StackStatus"] == "CREATE_IN_PROGRESS"
    turned.node.advance(20)
    assert ended(turned, "app")["StackStatus"] == "ROLLBACK_COMPLETE"
    assert any(reason in line for line in reasons(turned, "app"))


def test_a_stack_acts_under_its_role_and_no_further(aws):
    trust = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "cloudformation.amazonaws.com"}, "Action": "sts:AssumeRole"}],
    }
    role = aws.iam.create_role(RoleName="builder", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    template = json.dumps({"Resources": {"Group": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "/built"}}}})
    nobody = f"arn:aws:iam::{aws.id}:role/nobody"
    assert refusal(aws.cloudformation.create_stack, StackName="denied", TemplateBody=template, RoleARN=nobody) == (
        "ValidationError",
        f"Role {nobody} is invalid or cannot be assumed",
    )
    aws.cloudformation.create_stack(StackName="denied", TemplateBody=template, RoleARN=role)
    assert ended(aws, "denied")["StackStatus"] == "ROLLBACK_COMPLETE"
    assert any("HandlerErrorCode: AccessDenied" in line for line in reasons(aws, "denied"))
    allow = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "logs:*", "Resource": "*"}]}
    aws.iam.put_role_policy(RoleName="builder", PolicyName="logs", PolicyDocument=json.dumps(allow))
    aws.cloudformation.create_stack(StackName="allowed", TemplateBody=template, RoleARN=role)
    assert ended(aws, "allowed")["StackStatus"] == "CREATE_COMPLETE", reasons(aws, "allowed")


def test_the_template_can_come_from_a_bucket(aws):
    bucket = f"templates-{aws.id}"
    aws.s3.create_bucket(Bucket=bucket)
    long = {"Description": "x" * 1000, "Metadata": {"Filler": "y" * 60_000}, "Resources": {"Group": {"Type": "AWS::Logs::LogGroup"}}}
    aws.s3.put_object(Bucket=bucket, Key="a/long.json", Body=json.dumps(long).encode())
    for number, url in enumerate([f"https://s3.amazonaws.com/{bucket}/a/long.json", f"{aws.node.url}/{bucket}/a/long.json"]):
        aws.cloudformation.create_stack(StackName=f"app{number}", TemplateURL=url)
        assert ended(aws, f"app{number}")["StackStatus"] == "CREATE_COMPLETE"
    create = aws.cloudformation.create_stack
    assert refusal(create, StackName="x", TemplateBody=json.dumps(long))[0] == "ValidationError"
    assert refusal(create, StackName="x", TemplateURL="ftp://somewhere/else") == ("ValidationError", "TemplateURL must be a supported URL.")
    assert refusal(create, StackName="x", TemplateURL=f"https://s3.amazonaws.com/{bucket}/none")[0] == "ValidationError"
    assert refusal(create, StackName="x") == ("ValidationError", "Either Template URL or Template Body must be specified.")


def test_what_does_not_exist_is_said_in_each_operations_own_words(aws):
    cloudformation = aws.cloudformation
    assert refusal(cloudformation.describe_stacks, StackName="no") == ("ValidationError", "Stack with id no does not exist")
    assert refusal(cloudformation.get_template, StackName="no") == ("ValidationError", "Stack with id no does not exist")
    assert refusal(cloudformation.describe_stack_events, StackName="no") == ("ValidationError", "Stack [no] does not exist")
    assert refusal(cloudformation.describe_change_set, StackName="no", ChangeSetName="x") == ("ValidationError", "Stack [no] does not exist")
    assert refusal(cloudformation.delete_change_set, StackName="no", ChangeSetName="x") == ("ValidationError", "Stack [no] does not exist")
    assert refusal(cloudformation.delete_change_set, ChangeSetName="x") == (
        "ValidationError",
        "StackName must be specified if ChangeSetName is not specified as an ARN.",
    )
    assert refusal(cloudformation.update_stack, StackName="no", TemplateBody="{}")[0] == "ValidationError"
    assert cloudformation.delete_stack(StackName="no")["ResponseMetadata"]["HTTPStatusCode"] == 200
    missing = f"arn:aws:cloudformation:us-east-1:{aws.id}:changeSet/x/00000000-0000-0000-0000-000000000000"
    assert refusal(cloudformation.describe_change_set, ChangeSetName=missing) == ("ChangeSetNotFound", f"ChangeSet [{missing}] does not exist")
    assert refusal(cloudformation.estimate_template_cost, TemplateBody="{}")[0] == "NotImplemented"


def test_a_template_can_be_validated_and_summed_up(aws):
    template = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "A role",
        "Metadata": {"Kind": "x"},
        "Parameters": {"Env": {"Type": "String", "Default": "dev", "AllowedValues": ["dev", "prod"], "NoEcho": True}},
        "Resources": {"Role": ROLE},
    }
    valid = aws.cloudformation.validate_template(TemplateBody=json.dumps(template))
    assert valid["Parameters"] == [{"ParameterKey": "Env", "DefaultValue": "dev", "NoEcho": True}]
    assert (valid["Description"], valid["Capabilities"]) == ("A role", ["CAPABILITY_IAM"])
    assert valid["CapabilitiesReason"] == "The following resource(s) require capabilities: [AWS::IAM::Role]"
    summary = aws.cloudformation.get_template_summary(TemplateBody=json.dumps(template))
    assert summary["Parameters"][0]["ParameterConstraints"] == {"AllowedValues": ["dev", "prod"]}
    assert (summary["ResourceTypes"], summary["Version"], summary["Metadata"]) == (["AWS::IAM::Role"], "2010-09-09", '{"Kind":"x"}')
    sam = aws.cloudformation.validate_template(TemplateBody=SAM)
    assert sam["DeclaredTransforms"] == ["AWS::Serverless-2016-10-31"]
    code, message = refusal(aws.cloudformation.validate_template, TemplateBody="{}")
    assert (code, message) == ("ValidationError", "Template format error: At least one Resources member must be defined.")


def test_the_aws_cli_deploys(aws, tmp_path):
    (tmp_path / "template.yaml").write_text(
        "Parameters: {Name: {Type: String}}\n"
        "Resources:\n"
        "  Group: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: !Ref Name}}\n"
        "Outputs: {Arn: {Value: !GetAtt Group.Arn}}\n"
    )

    def deploy(name: str) -> subprocess.CompletedProcess[str]:
        aws_cli = Path(sys.executable).with_name("aws")
        command = [
            aws_cli,
            "cloudformation",
            "deploy",
            "--stack-name",
            "app",
            "--template-file",
            "template.yaml",
            "--parameter-overrides",
            f"Name={name}",
        ]
        return subprocess.run(command, cwd=tmp_path, env=aws.environment(), capture_output=True, text=True, timeout=120, check=False)

    first = deploy("/one")
    assert (first.returncode, "Successfully created/updated stack - app" in first.stdout) == (0, True), first.stderr
    assert "No changes to deploy. Stack app is up to date" in deploy("/one").stderr
    assert outputs(ended(aws, "app"))["Arn"].endswith("/one:*")


def ask(aws: Account, template: dict[str, Any]) -> None:
    """Begin to create; the node dies before it answers."""
    with contextlib.suppress(EndpointConnectionError, ConnectionClosedError, ReadTimeoutError):
        aws.client("cloudformation").create_stack(StackName="app", TemplateBody=json.dumps(template), Capabilities=["CAPABILITY_IAM"])


def reasons_so_far(aws: Account, name: str) -> list[str]:
    try:
        return reasons(aws, name)
    except ClientError:
        return []


@pytest.mark.parametrize(
    "cut_after", ["Role CREATE_IN_PROGRESS ", "Role CREATE_COMPLETE ", "Function CREATE_IN_PROGRESS ", "Bucket1 CREATE_COMPLETE "]
)
def test_a_node_that_is_killed_in_the_middle_of_a_creation_goes_on(start_node, cut_after):
    node = start_node()
    aws = node.fresh_account()
    buckets = {f"Bucket{n}": {"Type": "AWS::S3::Bucket", "DependsOn": f"Bucket{n - 1}" if n else "Function"} for n in range(4)}
    template = {"Resources": {"Role": ROLE, "Function": FUNCTION, **buckets}, "Outputs": {"Last": {"Value": {"Ref": "Bucket3"}}}}
    asked = threading.Thread(target=ask, args=(aws, template))
    asked.start()
    while cut_after not in reasons_so_far(aws, "app"):
        time.sleep(0)
    os.kill(node.pid, signal.SIGKILL)
    asked.join()
    revived = Account(start_node(), aws.id)
    stack = ended(revived, "app")
    assert stack["StackStatus"] == "CREATE_COMPLETE", reasons(revived, "app")
    assert len(revived.s3.list_buckets()["Buckets"]) == 4
    assert len(revived.lambda_.list_functions()["Functions"]) == 1
    assert len(revived.iam.list_roles()["Roles"]) == 1
    revived.cloudformation.delete_stack(StackName="app")
    assert ended(revived, stack["StackId"])["StackStatus"] == "DELETE_COMPLETE"
    assert nothing_is_left(revived)
