"""AWS::KMS::Key, ReplicaKey and Alias in stacks."""

from __future__ import annotations

import json
from typing import Any

from tests.node import Account
from tests.services.kms.conftest import state_of

WAITING = {"Delay": 1, "MaxAttempts": 60}
OUTPUTS = {"Id": {"Value": {"Ref": "Key"}}, "Arn": {"Value": {"Fn::GetAtt": ["Key", "Arn"]}}, "Alias": {"Value": {"Ref": "Name"}}}
POLICY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"AWS": {"Fn::Sub": "arn:aws:iam::${AWS::AccountId}:root"}}, "Action": "kms:*", "Resource": "*"}],
}


def _template(**properties: Any) -> str:
    key = {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": POLICY, **properties}}
    alias = {"Type": "AWS::KMS::Alias", "Properties": {"AliasName": "alias/of-stack", "TargetKeyId": {"Ref": "Key"}}}
    return json.dumps({"Resources": {"Key": key, "Name": alias}, "Outputs": OUTPUTS})


def _outputs(account: Account, event: str) -> dict[str, str]:
    account.cloudformation.get_waiter(event).wait(StackName="stack", WaiterConfig=WAITING)
    stack = account.cloudformation.describe_stacks(StackName="stack")["Stacks"][0]
    return {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}


def test_a_key_and_its_alias_live_as_their_stack_says(aws: Account) -> None:
    tags = [{"Key": "a", "Value": "b"}]
    aws.cloudformation.create_stack(StackName="stack", TemplateBody=_template(Description="one", EnableKeyRotation=True, Tags=tags))
    made = _outputs(aws, "stack_create_complete")
    assert made["Arn"] == f"arn:aws:kms:us-east-1:{aws.id}:key/{made['Id']}"
    assert aws.kms.encrypt(KeyId=made["Alias"], Plaintext=b"x")["KeyId"] == made["Arn"]
    assert aws.kms.get_key_rotation_status(KeyId=made["Id"])["KeyRotationEnabled"] is True
    assert {"TagKey": "a", "TagValue": "b"} in aws.kms.list_resource_tags(KeyId=made["Id"])["Tags"]

    aws.cloudformation.update_stack(StackName="stack", TemplateBody=_template(Description="two", Enabled=False, PendingWindowInDays=7))
    assert _outputs(aws, "stack_update_complete")["Id"] == made["Id"]
    told = aws.kms.describe_key(KeyId=made["Id"])["KeyMetadata"]
    assert (told["Description"], told["KeyState"]) == ("two", "Disabled")

    aws.cloudformation.delete_stack(StackName="stack")
    aws.cloudformation.get_waiter("stack_delete_complete").wait(StackName="stack", WaiterConfig=WAITING)
    assert state_of(aws, made["Id"]) == "PendingDeletion"
    assert aws.kms.list_aliases()["Aliases"] == []


def test_a_stack_replicates_a_key_into_its_region(aws: Account) -> None:
    key = aws.kms.create_key(MultiRegion=True)["KeyMetadata"]
    there = Account(aws.node, aws.id)
    there.region = "eu-west-1"
    replica = {"Type": "AWS::KMS::ReplicaKey", "Properties": {"PrimaryKeyArn": key["Arn"], "KeyPolicy": POLICY, "Description": "there"}}
    outputs = {"Id": {"Value": {"Ref": "Key"}}, "Arn": {"Value": {"Fn::GetAtt": ["Key", "Arn"]}}}
    there.cloudformation.create_stack(StackName="stack", TemplateBody=json.dumps({"Resources": {"Key": replica}, "Outputs": outputs}))
    made = _outputs(there, "stack_create_complete")
    assert made == {"Id": key["KeyId"], "Arn": key["Arn"].replace("us-east-1", "eu-west-1")}
    assert there.kms.describe_key(KeyId=made["Id"])["KeyMetadata"]["Description"] == "there"
