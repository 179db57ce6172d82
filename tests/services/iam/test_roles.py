"""Roles: what they say of themselves, what keeps them from being deleted, and what is refused."""

from __future__ import annotations

import json

import pytest

from tests.node import Account
from tests.services.iam.documents import LAMBDA_TRUST, User, allow, trusting
from tests.services.iam.refusals import refusal

BASIC = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"


def test_a_role_says_what_it_was_made_with(aws: Account) -> None:
    made = aws.iam.create_role(
        RoleName="worker", Path="/app/", AssumeRolePolicyDocument=LAMBDA_TRUST, Description="works", Tags=[{"Key": "team", "Value": "a"}]
    )["Role"]
    got = aws.iam.get_role(RoleName="worker")["Role"]
    assert got["Arn"] == f"arn:aws:iam::{aws.id}:role/app/worker"
    assert got["RoleId"].startswith("AROA")
    assert len(got["RoleId"]) == 21
    assert got["AssumeRolePolicyDocument"] == json.loads(LAMBDA_TRUST)
    assert got["Description"] == "works"
    assert got["Tags"] == [{"Key": "team", "Value": "a"}]
    assert got["MaxSessionDuration"] == 3600
    assert got["RoleLastUsed"] == {}
    assert {name: got[name] for name in made} == made
    assert "MaxSessionDuration" not in made


def test_lists_of_roles_leave_out_tags_and_last_use(aws: Account) -> None:
    aws.iam.create_role(RoleName="worker", AssumeRolePolicyDocument=LAMBDA_TRUST, Tags=[{"Key": "team", "Value": "a"}])
    (listed,) = aws.iam.list_roles()["Roles"]
    assert set(listed) == {"Path", "RoleName", "RoleId", "Arn", "CreateDate", "AssumeRolePolicyDocument"}


def test_a_role_that_is_not_there_cannot_be_found(aws: Account) -> None:
    assert refusal(aws.iam.get_role, RoleName="nobody") == ("NoSuchEntity", "The role with name nobody cannot be found.", 404)


def test_names_differ_not_by_case_alone(aws: Account) -> None:
    aws.iam.create_role(RoleName="Worker", AssumeRolePolicyDocument=LAMBDA_TRUST)
    assert refusal(aws.iam.create_role, RoleName="worker", AssumeRolePolicyDocument=LAMBDA_TRUST) == (
        "EntityAlreadyExists",
        "Role with name worker already exists.",
        409,
    )


def test_a_role_is_deleted_only_when_nothing_hangs_on_it(aws: Account) -> None:
    iam, name = aws.iam, "worker"
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=LAMBDA_TRUST)
    iam.attach_role_policy(RoleName=name, PolicyArn=BASIC)
    iam.put_role_policy(RoleName=name, PolicyName="inline", PolicyDocument=allow("s3:GetObject"))
    iam.create_instance_profile(InstanceProfileName="profile")
    iam.add_role_to_instance_profile(InstanceProfileName="profile", RoleName=name)

    conflict = "Cannot delete entity, must {} first."
    assert refusal(iam.delete_role, RoleName=name) == ("DeleteConflict", conflict.format("remove roles from instance profile"), 409)
    iam.remove_role_from_instance_profile(InstanceProfileName="profile", RoleName=name)
    assert refusal(iam.delete_role, RoleName=name)[1] == conflict.format("detach all policies")
    iam.detach_role_policy(RoleName=name, PolicyArn=BASIC)
    assert refusal(iam.delete_role, RoleName=name)[1] == conflict.format("delete policies")
    iam.delete_role_policy(RoleName=name, PolicyName="inline")
    iam.delete_role(RoleName=name)
    assert refusal(iam.get_role, RoleName=name)[0] == "NoSuchEntity"


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("{not json", "This policy contains invalid Json"),
        (trusting({"Service": "lambda.amazonaws.com"}, "s3:GetObject"), "AssumeRole policy may only specify STS AssumeRole actions."),
        (trusting({"Service": "lambda.amazonaws.com"}, Resource="*"), "Has prohibited field Resource"),
    ],
)
def test_a_trust_policy_that_makes_no_sense_is_refused(aws: Account, document: str, message: str) -> None:
    answer = refusal(aws.iam.create_role, RoleName="worker", AssumeRolePolicyDocument=document)
    assert answer == ("MalformedPolicyDocument", message, 400)


def test_a_trust_policy_cannot_name_a_user_of_the_account_who_is_not_there(aws: Account) -> None:
    ghost = f"arn:aws:iam::{aws.id}:user/ghost"
    answer = refusal(aws.iam.create_role, RoleName="worker", AssumeRolePolicyDocument=trusting({"AWS": ghost}))
    assert answer == ("MalformedPolicyDocument", f'Invalid principal in policy: "AWS":"{ghost}"', 400)


def test_description_session_length_and_trust_can_change(aws: Account) -> None:
    iam = aws.iam
    iam.create_role(RoleName="worker", AssumeRolePolicyDocument=LAMBDA_TRUST, Description="old")
    iam.update_role(RoleName="worker", Description="new", MaxSessionDuration=7200)
    trust = trusting({"Service": "ec2.amazonaws.com"})
    iam.update_assume_role_policy(RoleName="worker", PolicyDocument=trust)
    role = iam.get_role(RoleName="worker")["Role"]
    assert (role["Description"], role["MaxSessionDuration"], role["AssumeRolePolicyDocument"]) == ("new", 7200, json.loads(trust))


def test_only_ten_managed_policies_fit_on_a_role(aws: Account) -> None:
    iam = aws.iam
    iam.create_role(RoleName="worker", AssumeRolePolicyDocument=LAMBDA_TRUST)
    policies = iam.list_policies(Scope="AWS", PathPrefix="/service-role/", MaxItems=11)["Policies"]
    for policy in policies[:10]:
        iam.attach_role_policy(RoleName="worker", PolicyArn=policy["Arn"])
    iam.attach_role_policy(RoleName="worker", PolicyArn=policies[0]["Arn"])  # a second time changes nothing
    answer = refusal(iam.attach_role_policy, RoleName="worker", PolicyArn=policies[10]["Arn"])
    assert answer == ("LimitExceeded", "Cannot exceed quota for PoliciesPerRole: 10", 409)


def test_inline_policies_of_a_role_may_have_ten_thousand_characters_without_white_space(aws: Account) -> None:
    iam = aws.iam
    iam.create_role(RoleName="worker", AssumeRolePolicyDocument=LAMBDA_TRUST)
    filler = [f"s3:Get{'x' * 90}{number}" for number in range(100)]
    iam.put_role_policy(RoleName="worker", PolicyName="spaced", PolicyDocument=allow("s3:GetObject") + " " * 20_000)
    answer = refusal(iam.put_role_policy, RoleName="worker", PolicyName="big", PolicyDocument=allow(*filler))
    assert answer == ("LimitExceeded", "Maximum policy size of 10240 bytes exceeded for role worker", 409)


def test_inline_policies_come_back_as_they_were_put(aws: Account) -> None:
    iam = aws.iam
    iam.create_role(RoleName="worker", AssumeRolePolicyDocument=LAMBDA_TRUST)
    document = allow("apigateway:PUT", resource="arn:aws:apigateway:us-east-1::/tags/arn%3Aaws%3Aapigateway%3Aeu")
    iam.put_role_policy(RoleName="worker", PolicyName="b", PolicyDocument=document)
    iam.put_role_policy(RoleName="worker", PolicyName="a", PolicyDocument=allow("s3:*"))
    assert iam.list_role_policies(RoleName="worker")["PolicyNames"] == ["a", "b"]
    assert iam.get_role_policy(RoleName="worker", PolicyName="b")["PolicyDocument"] == json.loads(document)
    iam.delete_role_policy(RoleName="worker", PolicyName="b")
    answer = refusal(iam.get_role_policy, RoleName="worker", PolicyName="b")
    assert answer == ("NoSuchEntity", "The role policy with name b cannot be found.", 404)


def test_lists_come_in_pages(aws: Account) -> None:
    names = [f"role{number}" for number in range(5)]
    for name in names:
        aws.iam.create_role(RoleName=name, AssumeRolePolicyDocument=LAMBDA_TRUST)
    pages = list(aws.iam.get_paginator("list_roles").paginate(PaginationConfig={"PageSize": 2}))
    assert [[role["RoleName"] for role in page["Roles"]] for page in pages] == [names[:2], names[2:4], names[4:]]
    assert [page["IsTruncated"] for page in pages] == [True, True, False]


def test_a_marker_from_elsewhere_is_refused(aws: Account) -> None:
    assert refusal(aws.iam.list_roles, Marker="bm90IG91cnM=") == ("ValidationError", "Invalid Marker: bm90IG91cnM=", 400)


def test_paths_filter_lists(aws: Account) -> None:
    aws.iam.create_role(RoleName="one", Path="/a/b/", AssumeRolePolicyDocument=LAMBDA_TRUST)
    aws.iam.create_role(RoleName="two", Path="/c/", AssumeRolePolicyDocument=LAMBDA_TRUST)
    assert [role["RoleName"] for role in aws.iam.list_roles(PathPrefix="/a/")["Roles"]] == ["one"]


def test_a_denial_names_the_role_and_not_its_arn(aws: Account) -> None:
    bob = User(aws, "bob")
    aws.iam.create_role(RoleName="worker", AssumeRolePolicyDocument=LAMBDA_TRUST)
    code, message, status = refusal(bob.iam.get_role, RoleName="worker")
    assert (code, status) == ("AccessDenied", 403)
    assert message == (
        f"User: {bob.arn} is not authorized to perform: iam:GetRole on resource: role worker "
        "because no identity-based policy allows the iam:GetRole action"
    )


def test_permissions_on_roles_know_their_paths(aws: Account) -> None:
    aws.iam.create_role(RoleName="worker", Path="/app/", AssumeRolePolicyDocument=LAMBDA_TRUST)
    aws.iam.create_role(RoleName="other", AssumeRolePolicyDocument=LAMBDA_TRUST)
    bob = User(aws, "bob", allow("iam:GetRole", resource=f"arn:aws:iam::{aws.id}:role/app/*"))
    assert bob.iam.get_role(RoleName="worker")["Role"]["Path"] == "/app/"
    assert refusal(bob.iam.get_role, RoleName="other")[0] == "AccessDenied"


def test_who_may_attach_only_some_policies_may_not_attach_others(aws: Account) -> None:
    aws.iam.create_role(RoleName="worker", AssumeRolePolicyDocument=LAMBDA_TRUST)
    bob = User(aws, "bob", allow("iam:AttachRolePolicy", Condition={"ArnEquals": {"iam:PolicyARN": BASIC}}))
    bob.iam.attach_role_policy(RoleName="worker", PolicyArn=BASIC)
    assert refusal(bob.iam.attach_role_policy, RoleName="worker", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")[0] == "AccessDenied"


def test_a_service_linked_role_belongs_to_its_service(aws: Account) -> None:
    iam = aws.iam
    made = iam.create_service_linked_role(AWSServiceName="autoscaling.amazonaws.com", CustomSuffix="mine")["Role"]
    name = made["RoleName"]
    assert made["Arn"] == f"arn:aws:iam::{aws.id}:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling_mine"
    assert [one["PolicyName"] for one in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]] == ["AutoScalingServiceRolePolicy"]
    protected = f"Cannot perform the operation on the protected role '{name}' - this role is only modifiable by AWS"
    assert refusal(iam.delete_role, RoleName=name) == ("UnmodifiableEntity", protected, 400)
    assert refusal(iam.put_role_policy, RoleName=name, PolicyName="p", PolicyDocument=allow("s3:*"))[0] == "UnmodifiableEntity"
    taken = f"Service role name {name} has been taken in this account, please try a different suffix."
    again = refusal(iam.create_service_linked_role, AWSServiceName="autoscaling.amazonaws.com", CustomSuffix="mine")
    assert again == ("InvalidInput", taken, 400)
    task = iam.delete_service_linked_role(RoleName=name)["DeletionTaskId"]
    assert task.startswith(f"task/aws-service-role/autoscaling.amazonaws.com/{name}/")
    assert iam.get_service_linked_role_deletion_status(DeletionTaskId=task)["Status"] == "SUCCEEDED"
    assert iam.list_roles()["Roles"] == []
