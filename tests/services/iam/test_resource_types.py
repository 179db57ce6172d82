"""IAM in CloudFormation: what Ref and GetAtt give, what changes in place, and that nothing is left behind."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from tests.node import Account

S3 = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
LOGS = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
TRUST = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}


def _document(action: str) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]}


def _role(**properties: Any) -> dict[str, Any]:
    return {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": TRUST, **properties}}


class Stack:
    """A stack of one account, brought to what `resources` say."""

    def __init__(self, aws: Account) -> None:
        self._cloudformation = aws.cloudformation
        self._exists = False

    def become(self, resources: dict[str, Any], outputs: dict[str, Any] | None = None) -> dict[str, str]:
        """The outputs, once the stack is complete."""
        template = {"Resources": resources, "Outputs": {name: {"Value": value} for name, value in (outputs or {}).items()}}
        change = self._cloudformation.update_stack if self._exists else self._cloudformation.create_stack
        change(StackName="stack", TemplateBody=json.dumps(template), Capabilities=["CAPABILITY_NAMED_IAM"], Tags=[{"Key": "of", "Value": "stack"}])
        stack = self._settled()
        assert stack["StackStatus"] == ("UPDATE_COMPLETE" if self._exists else "CREATE_COMPLETE"), self._failures()
        self._exists = True
        return {one["OutputKey"]: one["OutputValue"] for one in stack.get("Outputs", [])}

    def delete(self) -> None:
        stack_id = self._cloudformation.describe_stacks(StackName="stack")["Stacks"][0]["StackId"]
        self._cloudformation.delete_stack(StackName="stack")
        assert self._settled(stack_id)["StackStatus"] == "DELETE_COMPLETE", self._failures()

    def _settled(self, name: str = "stack") -> dict[str, Any]:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            stack = self._cloudformation.describe_stacks(StackName=name)["Stacks"][0]
            if not stack["StackStatus"].endswith("_IN_PROGRESS"):
                return stack
            time.sleep(0.02)
        pytest.fail("the stack did not settle")

    def _failures(self) -> list[str]:
        events = self._cloudformation.describe_stack_events(StackName="stack")["StackEvents"]
        return [f"{one['LogicalResourceId']}: {one.get('ResourceStatusReason')}" for one in events if one["ResourceStatus"].endswith("FAILED")]


def test_a_role_follows_its_template(aws: Account) -> None:
    stack, iam = Stack(aws), aws.iam
    inline = [{"PolicyName": "in", "PolicyDocument": _document("s3:GetObject")}]
    outputs = {"Name": {"Ref": "Role"}, "Arn": {"Fn::GetAtt": ["Role", "Arn"]}, "Id": {"Fn::GetAtt": ["Role", "RoleId"]}}
    made = stack.become({"Role": _role(ManagedPolicyArns=[LOGS], Policies=inline, Description="one", Tags=[{"Key": "a", "Value": "1"}])}, outputs)
    role = iam.get_role(RoleName=made["Name"])["Role"]
    assert made["Name"].startswith("stack-Role-")
    assert (made["Arn"], made["Id"]) == (role["Arn"], role["RoleId"])
    assert {tag["Key"]: tag["Value"] for tag in role["Tags"]} == {"a": "1", "of": "stack"}

    changed = stack.become({"Role": _role(ManagedPolicyArns=[S3], PermissionsBoundary=S3, MaxSessionDuration=7200)}, outputs)
    role = iam.get_role(RoleName=made["Name"])["Role"]
    assert changed == made
    assert (role["MaxSessionDuration"], role.get("Description")) == (7200, None)
    assert role["PermissionsBoundary"]["PermissionsBoundaryArn"] == S3
    assert [one["PolicyArn"] for one in iam.list_attached_role_policies(RoleName=made["Name"])["AttachedPolicies"]] == [S3]
    assert iam.list_role_policies(RoleName=made["Name"])["PolicyNames"] == []

    replaced = stack.become({"Role": _role(Path="/new/")}, outputs)
    assert replaced["Id"] != made["Id"]
    assert [one["RoleName"] for one in iam.list_roles()["Roles"]] == [replaced["Name"]]
    stack.delete()
    assert iam.list_roles()["Roles"] == []


def test_policies_are_put_on_what_they_name(aws: Account) -> None:
    stack, iam = Stack(aws), aws.iam

    def template(action: str, name: str, where: str) -> dict[str, Any]:
        return {
            "Role": _role(),
            "User": {"Type": "AWS::IAM::User"},
            "Policy": {
                "Type": "AWS::IAM::Policy",
                "Properties": {"PolicyName": name, "PolicyDocument": _document(action), f"{where}s": [{"Ref": where}]},
            },
            "Managed": {
                "Type": "AWS::IAM::ManagedPolicy",
                "Properties": {"PolicyDocument": _document(action), f"{where}s": [{"Ref": where}]},
            },
            "Own": {
                "Type": "AWS::IAM::RolePolicy",
                "Properties": {"RoleName": {"Ref": "Role"}, "PolicyName": "own", "PolicyDocument": _document(action)},
            },
        }

    outputs = {"Role": {"Ref": "Role"}, "User": {"Ref": "User"}, "Managed": {"Ref": "Managed"}, "Own": {"Ref": "Own"}}
    made = stack.become(template("sqs:SendMessage", "one", "Role"), outputs)
    assert made["Managed"].startswith(f"arn:aws:iam::{aws.id}:policy/stack-Managed-")
    assert made["Own"] == f"own|{made['Role']}"
    assert iam.list_role_policies(RoleName=made["Role"])["PolicyNames"] == ["one", "own"]
    assert [one["PolicyArn"] for one in iam.list_attached_role_policies(RoleName=made["Role"])["AttachedPolicies"]] == [made["Managed"]]

    for number in range(6):  # more often than a policy has versions
        assert stack.become(template(f"sqs:{number}", "two", "User"), outputs) == made
    assert iam.list_role_policies(RoleName=made["Role"])["PolicyNames"] == ["own"]
    assert iam.list_attached_role_policies(RoleName=made["Role"])["AttachedPolicies"] == []
    assert iam.list_user_policies(UserName=made["User"])["PolicyNames"] == ["two"]
    version = iam.get_policy(PolicyArn=made["Managed"])["Policy"]["DefaultVersionId"]
    assert iam.get_policy_version(PolicyArn=made["Managed"], VersionId=version)["PolicyVersion"]["Document"] == _document("sqs:5")
    stack.delete()
    assert (iam.list_roles()["Roles"], iam.list_users()["Users"], iam.list_policies(Scope="Local")["Policies"]) == ([], [], [])


def test_users_groups_and_keys(aws: Account) -> None:
    stack, iam = Stack(aws), aws.iam

    def template(status: str, serial: int, members: list[str]) -> dict[str, Any]:
        return {
            "Group": {"Type": "AWS::IAM::Group", "Properties": {"ManagedPolicyArns": [S3]}},
            "One": {"Type": "AWS::IAM::User", "Properties": {"LoginProfile": {"Password": "Correct-horse-7"}}},
            "Two": {"Type": "AWS::IAM::User", "Properties": {"Groups": [{"Ref": "Group"}]}},
            "Members": {
                "Type": "AWS::IAM::UserToGroupAddition",
                "Properties": {"GroupName": {"Ref": "Group"}, "Users": [{"Ref": name} for name in members]},
            },
            "Key": {"Type": "AWS::IAM::AccessKey", "Properties": {"UserName": {"Ref": "One"}, "Status": status, "Serial": serial}},
        }

    outputs = {
        "Group": {"Ref": "Group"},
        "One": {"Ref": "One"},
        "Key": {"Ref": "Key"},
        "Secret": {"Fn::GetAtt": ["Key", "SecretAccessKey"]},
    }
    made = stack.become(template("Active", 1, ["One"]), outputs)
    sts = aws.client("sts", aws_access_key_id=made["Key"], aws_secret_access_key=made["Secret"])
    assert sts.get_caller_identity()["Arn"] == f"arn:aws:iam::{aws.id}:user/{made['One']}"
    assert len(iam.get_group(GroupName=made["Group"])["Users"]) == 2
    assert stack.become(template("Inactive", 1, ["Two"]), outputs) == made
    assert len(iam.get_group(GroupName=made["Group"])["Users"]) == 1
    assert stack.become(template("Active", 2, ["Two"]), outputs)["Key"] != made["Key"]
    assert len(iam.list_access_keys(UserName=made["One"])["AccessKeyMetadata"]) == 1
    stack.delete()
    assert (iam.list_users()["Users"], iam.list_groups()["Groups"]) == ([], [])


def test_profiles_providers_and_service_linked_roles(aws: Account) -> None:
    stack, iam = Stack(aws), aws.iam

    def template(role: str, client: str) -> dict[str, Any]:
        return {
            "A": _role(),
            "B": _role(),
            "Profile": {"Type": "AWS::IAM::InstanceProfile", "Properties": {"Roles": [{"Ref": role}]}},
            "Oidc": {"Type": "AWS::IAM::OIDCProvider", "Properties": {"Url": "https://example.com/id", "ClientIdList": [client]}},
            "Linked": {"Type": "AWS::IAM::ServiceLinkedRole", "Properties": {"AWSServiceName": "autoscaling.amazonaws.com", "CustomSuffix": "s"}},
        }

    outputs = {"Profile": {"Ref": "Profile"}, "Arn": {"Fn::GetAtt": ["Profile", "Arn"]}, "Oidc": {"Ref": "Oidc"}, "Linked": {"Ref": "Linked"}}
    made = stack.become(template("A", "one"), outputs)
    assert made["Arn"] == f"arn:aws:iam::{aws.id}:instance-profile/{made['Profile']}"
    assert made["Oidc"] == f"arn:aws:iam::{aws.id}:oidc-provider/example.com/id"
    assert made["Linked"] == "AWSServiceRoleForAutoScaling_s"
    assert stack.become(template("B", "two"), outputs) == made
    (role,) = iam.get_instance_profile(InstanceProfileName=made["Profile"])["InstanceProfile"]["Roles"]
    assert role["RoleName"].startswith("stack-B-")
    assert iam.get_open_id_connect_provider(OpenIDConnectProviderArn=made["Oidc"])["ClientIDList"] == ["two"]
    stack.delete()
    assert (iam.list_roles()["Roles"], iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]) == ([], [])
