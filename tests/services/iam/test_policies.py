"""Managed policies: customers' and AWS's."""

from __future__ import annotations

import json

import pytest

from tests.node import Account
from tests.services.iam.documents import LAMBDA_TRUST, allow
from tests.services.iam.refusals import refusal

ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"


def test_a_new_policy_is_attached_to_nothing(aws: Account) -> None:
    made = aws.iam.create_policy(PolicyName="p", Path="/x/", PolicyDocument=allow("s3:*"), Description="d")["Policy"]
    assert made["Arn"] == f"arn:aws:iam::{aws.id}:policy/x/p"
    got = aws.iam.get_policy(PolicyArn=made["Arn"])["Policy"]
    assert (got["AttachmentCount"], got["PermissionsBoundaryUsageCount"], got["IsAttachable"]) == (0, 0, True)
    assert (got["DefaultVersionId"], got["Tags"], got["Description"]) == ("v1", [], "d")
    assert got["PolicyId"].startswith("ANPA")


def test_a_policy_that_is_not_there_was_not_found(aws: Account) -> None:
    arn = f"arn:aws:iam::{aws.id}:policy/none"
    assert refusal(aws.iam.delete_policy, PolicyArn=arn) == ("NoSuchEntity", f"Policy {arn} was not found.", 404)
    aws.iam.create_role(RoleName="r", AssumeRolePolicyDocument=LAMBDA_TRUST)
    message = f"Policy {arn} does not exist or is not attachable."
    assert refusal(aws.iam.attach_role_policy, RoleName="r", PolicyArn=arn) == ("NoSuchEntity", message, 404)
    assert refusal(aws.iam.detach_role_policy, RoleName="r", PolicyArn=arn) == ("NoSuchEntity", f"Policy {arn} was not found.", 404)


def test_the_name_of_a_policy_is_taken_whatever_its_path(aws: Account) -> None:
    aws.iam.create_policy(PolicyName="p", PolicyDocument=allow("s3:*"))
    answer = refusal(aws.iam.create_policy, PolicyName="p", Path="/x/", PolicyDocument=allow("s3:*"))
    assert answer == ("EntityAlreadyExists", "A policy called p already exists. Duplicate names are not allowed.", 409)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("no json", "Syntax errors in policy."),
        ('{"Version": "2012-10-17"}', "Syntax errors in policy."),
        (allow("GetObject"), "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."),
        (allow("s3:GetObject", resource="bucket"), 'Resource bucket must be in ARN format or "*".'),
        (allow("s3:GetObject", Principal="*"), "Policy document should not specify a principal."),
    ],
)
def test_a_document_that_makes_no_sense_is_malformed(aws: Account, document: str, message: str) -> None:
    assert refusal(aws.iam.create_policy, PolicyName="p", PolicyDocument=document) == ("MalformedPolicyDocument", message, 400)


def test_a_policy_has_at_most_five_versions(aws: Account) -> None:
    iam = aws.iam
    arn = iam.create_policy(PolicyName="p", PolicyDocument=allow("s3:1"))["Policy"]["Arn"]
    for number in range(2, 6):
        made = iam.create_policy_version(PolicyArn=arn, PolicyDocument=allow(f"s3:{number}"), SetAsDefault=number == 3)["PolicyVersion"]
        assert (made["VersionId"], made["IsDefaultVersion"]) == (f"v{number}", number == 3)
    answer = refusal(iam.create_policy_version, PolicyArn=arn, PolicyDocument=allow("s3:6"))
    assert answer[0] == "LimitExceeded"
    assert answer[1].startswith("A managed policy can have up to 5 versions.")
    assert [one["VersionId"] for one in iam.list_policy_versions(PolicyArn=arn)["Versions"]] == ["v5", "v4", "v3", "v2", "v1"]
    default = refusal(iam.delete_policy_version, PolicyArn=arn, VersionId="v3")
    assert default == ("DeleteConflict", "Cannot delete the default version of a policy.", 409)
    assert refusal(iam.delete_policy, PolicyArn=arn)[1].startswith("This policy has more than one version.")
    iam.delete_policy_version(PolicyArn=arn, VersionId="v5")
    assert iam.create_policy_version(PolicyArn=arn, PolicyDocument=allow("s3:7"))["PolicyVersion"]["VersionId"] == "v6"
    iam.set_default_policy_version(PolicyArn=arn, VersionId="v1")
    version = iam.get_policy_version(PolicyArn=arn, VersionId="v1")["PolicyVersion"]
    assert version["IsDefaultVersion"] is True
    assert version["Document"] == json.loads(allow("s3:1"))


def test_a_policy_of_aws_can_be_read_and_attached_but_not_changed(aws: Account) -> None:
    iam = aws.iam
    document = iam.get_policy_version(PolicyArn=ADMINISTRATOR, VersionId="v1")["PolicyVersion"]["Document"]
    assert document == {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    iam.create_user(UserName="bob")
    iam.attach_user_policy(UserName="bob", PolicyArn=ADMINISTRATOR)
    assert iam.get_policy(PolicyArn=ADMINISTRATOR)["Policy"]["AttachmentCount"] == 1
    assert refusal(iam.create_policy_version, PolicyArn=ADMINISTRATOR, PolicyDocument=allow("s3:*"))[0] == "AccessDenied"
    assert refusal(iam.delete_policy, PolicyArn=ADMINISTRATOR)[0] == "AccessDenied"


def test_lists_tell_what_is_attached(aws: Account) -> None:
    iam = aws.iam
    arn = iam.create_policy(PolicyName="p", PolicyDocument=allow("s3:*"))["Policy"]["Arn"]
    iam.create_user(UserName="bob")
    iam.create_group(GroupName="staff")
    iam.create_role(RoleName="worker", AssumeRolePolicyDocument=LAMBDA_TRUST, PermissionsBoundary=arn)
    iam.attach_user_policy(UserName="bob", PolicyArn=arn)
    iam.attach_group_policy(GroupName="staff", PolicyArn=arn)
    assert [one["Arn"] for one in iam.list_policies(Scope="Local")["Policies"]] == [arn]
    assert [one["Arn"] for one in iam.list_policies(OnlyAttached=True)["Policies"]] == [arn]
    entities = iam.list_entities_for_policy(PolicyArn=arn)
    assert [one["UserName"] for one in entities["PolicyUsers"]] == ["bob"]
    assert [one["GroupName"] for one in entities["PolicyGroups"]] == ["staff"]
    assert [one["RoleName"] for one in entities["PolicyRoles"]] == ["worker"]
    only_boundaries = iam.list_entities_for_policy(PolicyArn=arn, PolicyUsageFilter="PermissionsBoundary")
    assert (only_boundaries["PolicyUsers"], len(only_boundaries["PolicyRoles"])) == ([], 1)
    assert refusal(iam.delete_policy, PolicyArn=arn)[1] == "Cannot delete a policy attached to entities."


def test_all_policies_of_aws_are_listed_page_by_page(aws: Account) -> None:
    arns = [
        one["Arn"]
        for page in aws.iam.get_paginator("list_policies").paginate(Scope="AWS", PaginationConfig={"PageSize": 1000})
        for one in page["Policies"]
    ]
    assert len(arns) == len(set(arns)) > 1500
    assert {ADMINISTRATOR, "arn:aws:iam::aws:policy/job-function/ViewOnlyAccess", "arn:aws:iam::aws:policy/PowerUserAccess"} <= set(arns)


def test_authorization_details_are_everything_at_once(aws: Account) -> None:
    iam = aws.iam
    arn = iam.create_policy(PolicyName="p", PolicyDocument=allow("s3:*"))["Policy"]["Arn"]
    iam.create_user(UserName="bob", Tags=[{"Key": "a", "Value": "b"}])
    iam.create_group(GroupName="staff")
    iam.add_user_to_group(UserName="bob", GroupName="staff")
    iam.attach_group_policy(GroupName="staff", PolicyArn=arn)
    iam.create_role(RoleName="worker", AssumeRolePolicyDocument=LAMBDA_TRUST)
    iam.put_role_policy(RoleName="worker", PolicyName="in", PolicyDocument=allow("s3:Get*"))
    iam.attach_role_policy(RoleName="worker", PolicyArn=ADMINISTRATOR)
    details = iam.get_account_authorization_details()
    (user,), (group,), (role,) = details["UserDetailList"], details["GroupDetailList"], details["RoleDetailList"]
    assert (user["GroupList"], user["Tags"]) == (["staff"], [{"Key": "a", "Value": "b"}])
    assert group["AttachedManagedPolicies"] == [{"PolicyName": "p", "PolicyArn": arn}]
    assert role["RolePolicyList"] == [{"PolicyName": "in", "PolicyDocument": json.loads(allow("s3:Get*"))}]
    assert {one["Arn"] for one in details["Policies"]} == {arn, ADMINISTRATOR}
    pages = list(iam.get_paginator("get_account_authorization_details").paginate(PaginationConfig={"PageSize": 2}))
    assert [len(page["Policies"]) for page in pages] == [0, 1, 1]  # of user and group, role and policy, policy
    assert [one["UserName"] for one in iam.get_account_authorization_details(Filter=["User"])["UserDetailList"]] == ["bob"]


def test_the_simulator_says_what_would_be_decided(aws: Account) -> None:
    iam = aws.iam
    iam.create_user(UserName="bob")
    iam.put_user_policy(UserName="bob", PolicyName="in", PolicyDocument=allow("s3:GetObject", resource="arn:aws:s3:::b/*"))
    results = iam.simulate_principal_policy(
        PolicySourceArn=f"arn:aws:iam::{aws.id}:user/bob",
        ActionNames=["s3:GetObject", "s3:PutObject"],
        ResourceArns=["arn:aws:s3:::b/key"],
        PolicyInputList=[],
    )["EvaluationResults"]
    assert [(one["EvalActionName"], one["EvalDecision"]) for one in results] == [("s3:GetObject", "allowed"), ("s3:PutObject", "implicitDeny")]
    (matched,) = results[0]["MatchedStatements"]
    assert matched["SourcePolicyId"] == "user_bob_in"
    assert matched["StartPosition"]["Line"] == 1


def test_the_simulator_takes_policies_context_and_boundaries(aws: Account) -> None:
    policy = allow("s3:*", Condition={"StringEquals": {"aws:username": "bob"}})

    def decided(**more: object) -> dict[str, object]:
        return aws.iam.simulate_custom_policy(PolicyInputList=[policy], ActionNames=["s3:GetObject"], **more)["EvaluationResults"][0]

    assert (decided()["EvalDecision"], decided()["MissingContextValues"]) == ("implicitDeny", ["aws:username"])
    entry = {"ContextKeyName": "aws:username", "ContextKeyValues": ["bob"], "ContextKeyType": "string"}
    assert decided(ContextEntries=[entry])["EvalDecision"] == "allowed"
    bounded = decided(ContextEntries=[entry], PermissionsBoundaryPolicyInputList=[allow("ec2:*")])
    assert bounded["EvalDecision"] == "implicitDeny"
    assert bounded["PermissionsBoundaryDecisionDetail"] == {"AllowedByPermissionsBoundary": False}
    assert aws.iam.get_context_keys_for_custom_policy(PolicyInputList=[policy])["ContextKeyNames"] == ["aws:username"]


def test_policies_that_grant_a_service_are_named(aws: Account) -> None:
    iam = aws.iam
    iam.create_user(UserName="bob")
    iam.attach_user_policy(UserName="bob", PolicyArn="arn:aws:iam::aws:policy/AmazonS3FullAccess")
    iam.put_user_policy(UserName="bob", PolicyName="in", PolicyDocument=allow("sqs:*"))
    answer = iam.list_policies_granting_service_access(Arn=f"arn:aws:iam::{aws.id}:user/bob", ServiceNamespaces=["s3", "sqs", "ec2"])
    found = {one["ServiceNamespace"]: [policy["PolicyName"] for policy in one["Policies"]] for one in answer["PoliciesGrantingServiceAccess"]}
    assert found == {"s3": ["AmazonS3FullAccess"], "sqs": ["in"], "ec2": []}
