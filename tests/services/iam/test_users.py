"""Users, their groups, keys and passwords."""

from __future__ import annotations

import time

import pytest
from botocore.exceptions import ClientError

from tests.node import Account
from tests.services.iam.documents import User, allow, deny
from tests.services.iam.refusals import refusal


def test_a_user_says_who_it_is(aws: Account) -> None:
    made = aws.iam.create_user(UserName="bob", Path="/people/", Tags=[{"Key": "team", "Value": "a"}])["User"]
    assert made["Arn"] == f"arn:aws:iam::{aws.id}:user/people/bob"
    assert made["UserId"].startswith("AIDA")
    assert aws.iam.get_user(UserName="bob")["User"] == made
    (listed,) = aws.iam.list_users()["Users"]
    assert set(listed) == {"Path", "UserName", "UserId", "Arn", "CreateDate"}


def test_get_user_without_a_name_is_the_caller(aws: Account) -> None:
    bob = User(aws, "bob", allow("iam:GetUser"))
    assert bob.iam.get_user()["User"]["UserName"] == "bob"
    assert aws.iam.get_user()["User"]["Arn"] == f"arn:aws:iam::{aws.id}:root"


def test_a_user_cannot_be_found_or_made_twice(aws: Account) -> None:
    assert refusal(aws.iam.get_user, UserName="bob") == ("NoSuchEntity", "The user with name bob cannot be found.", 404)
    aws.iam.create_user(UserName="bob")
    assert refusal(aws.iam.create_user, UserName="BOB") == ("EntityAlreadyExists", "User with name BOB already exists.", 409)


def test_a_user_is_deleted_only_when_nothing_hangs_on_it(aws: Account) -> None:
    iam = aws.iam
    bob = User(aws, "bob", allow("s3:*"))
    iam.create_group(GroupName="staff")
    iam.add_user_to_group(GroupName="staff", UserName="bob")
    iam.create_login_profile(UserName="bob", Password="Correct-horse-7")
    iam.attach_user_policy(UserName="bob", PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")

    def conflict() -> str:
        return refusal(iam.delete_user, UserName="bob")[1]

    assert conflict() == "Cannot delete entity, must remove users from group first."
    iam.remove_user_from_group(GroupName="staff", UserName="bob")
    assert conflict() == "Cannot delete entity, must delete access keys first."
    iam.delete_access_key(UserName="bob", AccessKeyId=bob.key["AccessKeyId"])
    assert conflict() == "Cannot delete entity, must delete login profile first."
    iam.delete_login_profile(UserName="bob")
    assert conflict() == "Cannot delete entity, must delete policies first."
    iam.delete_user_policy(UserName="bob", PolicyName="policy0")
    assert conflict() == "Cannot delete entity, must detach all policies first."
    iam.detach_user_policy(UserName="bob", PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
    iam.delete_user(UserName="bob")
    assert iam.list_users()["Users"] == []


def test_renaming_a_user_keeps_its_keys_groups_and_policies(aws: Account) -> None:
    iam = aws.iam
    bob = User(aws, "bob", allow("iam:GetUser"))
    iam.create_group(GroupName="staff")
    iam.add_user_to_group(GroupName="staff", UserName="bob")
    iam.update_user(UserName="bob", NewUserName="rob", NewPath="/people/")
    assert bob.sts.get_caller_identity()["Arn"] == f"arn:aws:iam::{aws.id}:user/people/rob"
    assert bob.iam.get_user()["User"]["UserName"] == "rob"
    assert [group["GroupName"] for group in iam.list_groups_for_user(UserName="rob")["Groups"]] == ["staff"]
    assert refusal(iam.get_user, UserName="bob")[0] == "NoSuchEntity"


def test_a_namesake_inherits_nothing(aws: Account) -> None:
    iam = aws.iam
    iam.create_user(UserName="bob", PermissionsBoundary="arn:aws:iam::aws:policy/ReadOnlyAccess")
    iam.delete_user(UserName="bob")
    assert "PermissionsBoundary" not in iam.create_user(UserName="bob")["User"]


def test_a_user_has_at_most_two_access_keys(aws: Account) -> None:
    bob = User(aws, "bob")
    aws.iam.create_access_key(UserName="bob")
    answer = refusal(aws.iam.create_access_key, UserName="bob")
    assert answer == ("LimitExceeded", "Cannot exceed quota for AccessKeysPerUser: 2", 409)
    keys = aws.iam.list_access_keys(UserName="bob")["AccessKeyMetadata"]
    assert keys[0]["AccessKeyId"] == bob.key["AccessKeyId"]
    assert [key["Status"] for key in keys] == ["Active", "Active"]
    assert "SecretAccessKey" not in keys[0]


def test_an_inactive_key_is_refused_until_it_is_active_again(aws: Account) -> None:
    bob = User(aws, "bob")
    key = {"UserName": "bob", "AccessKeyId": bob.key["AccessKeyId"]}
    assert bob.sts.get_caller_identity()["Arn"] == bob.arn
    aws.iam.update_access_key(**key, Status="Inactive")
    assert refusal(bob.sts.get_caller_identity)[0] == "InvalidClientTokenId"
    aws.iam.update_access_key(**key, Status="Active")
    assert bob.sts.get_caller_identity()["Arn"] == bob.arn


def test_a_deleted_key_is_not_known_any_more(aws: Account) -> None:
    User(aws, "bob")
    answer = refusal(aws.iam.delete_access_key, UserName="bob", AccessKeyId="AKIAIOSFODNN7EXAMPLE")
    assert answer == ("NoSuchEntity", "The Access Key with id AKIAIOSFODNN7EXAMPLE cannot be found.", 404)


def test_permissions_come_and_go_with_policies_at_once(aws: Account) -> None:
    bob = User(aws, "bob")
    assert refusal(bob.iam.list_users)[0] == "AccessDenied"
    aws.iam.put_user_policy(UserName="bob", PolicyName="p", PolicyDocument=allow("iam:ListUsers"))
    assert len(bob.iam.list_users()["Users"]) == 1
    aws.iam.delete_user_policy(UserName="bob", PolicyName="p")
    assert refusal(bob.iam.list_users)[0] == "AccessDenied"


def test_a_group_gives_its_members_what_it_may(aws: Account) -> None:
    iam = aws.iam
    bob = User(aws, "bob")
    iam.create_group(GroupName="staff")
    iam.put_group_policy(GroupName="staff", PolicyName="p", PolicyDocument=allow("iam:ListUsers"))
    assert refusal(bob.iam.list_users)[0] == "AccessDenied"
    iam.add_user_to_group(GroupName="staff", UserName="bob")
    assert bob.iam.list_users()["Users"][0]["UserName"] == "bob"
    assert [user["UserName"] for user in iam.get_group(GroupName="staff")["Users"]] == ["bob"]
    iam.remove_user_from_group(GroupName="staff", UserName="bob")
    assert refusal(bob.iam.list_users)[0] == "AccessDenied"


def test_a_boundary_bounds_what_policies_allow(aws: Account) -> None:
    bob = User(aws, "bob", allow("iam:*"))
    boundary = aws.iam.create_policy(PolicyName="edge", PolicyDocument=allow("iam:ListUsers"))["Policy"]["Arn"]
    aws.iam.put_user_permissions_boundary(UserName="bob", PermissionsBoundary=boundary)
    assert len(bob.iam.list_users()["Users"]) == 1
    assert "because no permissions boundary allows the iam:ListRoles action" in refusal(bob.iam.list_roles)[1]
    assert aws.iam.get_policy(PolicyArn=boundary)["Policy"]["PermissionsBoundaryUsageCount"] == 1
    assert refusal(aws.iam.delete_policy, PolicyArn=boundary) == ("DeleteConflict", "Cannot delete a policy attached to entities.", 409)
    aws.iam.delete_user_permissions_boundary(UserName="bob")
    assert bob.iam.list_roles()["Roles"] == []


def test_an_explicit_deny_is_stronger_than_any_allow(aws: Account) -> None:
    bob = User(aws, "bob", allow("*"), deny("iam:ListRoles"))
    assert refusal(bob.iam.list_roles)[1].endswith("with an explicit deny in an identity-based policy")


def test_a_group_is_deleted_when_it_is_empty(aws: Account) -> None:
    iam = aws.iam
    iam.create_user(UserName="bob")
    iam.create_group(GroupName="staff", Path="/x/")
    iam.add_user_to_group(GroupName="staff", UserName="bob")
    conflict = ("DeleteConflict", "Cannot delete entity, must remove users from group first.", 409)
    assert refusal(iam.delete_group, GroupName="staff") == conflict
    iam.update_group(GroupName="staff", NewGroupName="crew")
    assert iam.get_group(GroupName="crew")["Group"]["Arn"] == f"arn:aws:iam::{aws.id}:group/x/crew"
    iam.remove_user_from_group(GroupName="crew", UserName="bob")
    iam.delete_group(GroupName="crew")
    assert refusal(iam.get_group, GroupName="crew") == ("NoSuchEntity", "The group with name crew cannot be found.", 404)


def test_a_user_is_in_at_most_ten_groups(aws: Account) -> None:
    aws.iam.create_user(UserName="bob")
    for number in range(11):
        aws.iam.create_group(GroupName=f"group{number}")
    for number in range(10):
        aws.iam.add_user_to_group(GroupName=f"group{number}", UserName="bob")
    answer = refusal(aws.iam.add_user_to_group, GroupName="group10", UserName="bob")
    assert answer == ("LimitExceeded", "Cannot exceed quota for GroupsPerUser: 10", 409)


def test_tags_of_a_user_change_key_by_key(aws: Account) -> None:
    iam = aws.iam
    iam.create_user(UserName="bob", Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    iam.tag_user(UserName="bob", Tags=[{"Key": "b", "Value": "3"}, {"Key": "c", "Value": "4"}])
    iam.untag_user(UserName="bob", TagKeys=["a"])
    assert iam.list_user_tags(UserName="bob")["Tags"] == [{"Key": "b", "Value": "3"}, {"Key": "c", "Value": "4"}]
    twice = [{"Key": "x", "Value": "1"}, {"Key": "X", "Value": "2"}]
    message = "Duplicate tag keys found. Please note that Tag keys are case insensitive."
    assert refusal(iam.tag_user, UserName="bob", Tags=twice) == ("InvalidInput", message, 400)


def test_a_password_must_suit_the_account(aws: Account) -> None:
    iam = aws.iam
    iam.create_user(UserName="bob")
    assert refusal(iam.create_login_profile, UserName="bob", Password="short")[0] == "PasswordPolicyViolation"
    iam.update_account_password_policy(MinimumPasswordLength=20, AllowUsersToChangePassword=True, PasswordReusePrevention=3)
    assert refusal(iam.create_login_profile, UserName="bob", Password="Correct-horse-7")[0] == "PasswordPolicyViolation"
    profile = iam.create_login_profile(UserName="bob", Password="Correct-horse-battery-7", PasswordResetRequired=True)["LoginProfile"]
    assert profile["PasswordResetRequired"] is True
    message = "Login Profile for user bob already exists."
    assert refusal(iam.create_login_profile, UserName="bob", Password="Another-horse-battery-8") == ("EntityAlreadyExists", message, 409)


def test_a_user_changes_the_own_password(aws: Account) -> None:
    bob = User(aws, "bob", allow("iam:ChangePassword"))
    aws.iam.create_login_profile(UserName="bob", Password="Correct-horse-7")
    assert refusal(bob.iam.change_password, OldPassword="wrong", NewPassword="Battery-staple-8")[0] == "AccessDenied"
    bob.iam.change_password(OldPassword="Correct-horse-7", NewPassword="Battery-staple-8")
    bob.iam.change_password(OldPassword="Battery-staple-8", NewPassword="Correct-horse-7")


def test_the_last_use_of_a_key_is_told(aws: Account) -> None:
    bob = User(aws, "bob", allow("iam:ListUsers"))
    key = {"AccessKeyId": bob.key["AccessKeyId"]}
    assert aws.iam.get_access_key_last_used(**key)["AccessKeyLastUsed"] == {"ServiceName": "N/A", "Region": "N/A"}
    bob.iam.list_users()
    used = _until_used(aws, key["AccessKeyId"])
    assert (used["ServiceName"], used["Region"]) == ("iam", "us-east-1")


def _until_used(aws: Account, access_key: str) -> dict[str, str]:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        answer = aws.iam.get_access_key_last_used(AccessKeyId=access_key)
        if "LastUsedDate" in answer["AccessKeyLastUsed"]:
            assert answer["UserName"] == "bob"
            return answer["AccessKeyLastUsed"]
        time.sleep(0.05)
    pytest.fail("the use of the key was never told")


def test_a_user_of_another_account_is_not_seen(aws: Account) -> None:
    aws.iam.create_user(UserName="bob")
    stranger = aws.node.fresh_account()
    with pytest.raises(ClientError, match="cannot be found"):
        stranger.iam.get_user(UserName="bob")
