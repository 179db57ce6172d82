"""Sessions of roles: who gets one, for how long, and what it may do."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.config import Config

from tests.node import Account
from tests.services.iam.documents import LAMBDA_TRUST, User, allow, deny, root_of, session, trusting
from tests.services.iam.refusals import refusal


def role(aws: Account, trust: str, *policies: str, name: str = "worker", **more: Any) -> str:
    """A new role's ARN."""
    arn = aws.iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust, **more)["Role"]["Arn"]
    for number, policy in enumerate(policies):
        aws.iam.put_role_policy(RoleName=name, PolicyName=f"policy{number}", PolicyDocument=policy)
    return arn


def test_a_session_says_who_it_is(aws: Account) -> None:
    arn = role(aws, trusting(root_of(aws)))
    role_id = aws.iam.get_role(RoleName="worker")["Role"]["RoleId"]
    answer = User(aws, "bob", allow("sts:AssumeRole")).sts.assume_role(RoleArn=arn, RoleSessionName="night")
    assert answer["AssumedRoleUser"] == {
        "AssumedRoleId": f"{role_id}:night",
        "Arn": f"arn:aws:sts::{aws.id}:assumed-role/worker/night",
    }
    assert set(answer) == {"AssumedRoleUser", "Credentials", "ResponseMetadata"}
    assert answer["Credentials"]["AccessKeyId"].startswith("ASIA")
    assert len(answer["Credentials"]["SecretAccessKey"]) == 40
    left = answer["Credentials"]["Expiration"] - datetime.now(UTC)
    assert timedelta(minutes=59) < left <= timedelta(hours=1)
    identity = session(aws, answer, "sts").get_caller_identity()
    assert (identity["Arn"], identity["UserId"], identity["Account"]) == (
        answer["AssumedRoleUser"]["Arn"],
        f"{role_id}:night",
        aws.id,
    )


def test_an_untrusted_caller_and_a_missing_role_look_the_same(aws: Account) -> None:
    bob = User(aws, "bob", allow("sts:*"))
    arn = role(aws, LAMBDA_TRUST)
    for target in (arn, arn + "-that-is-not"):
        message = f"User: {bob.arn} is not authorized to perform: sts:AssumeRole on resource: {target}"
        assert refusal(bob.sts.assume_role, RoleArn=target, RoleSessionName="night") == ("AccessDenied", message, 403)


def test_trust_in_the_account_leaves_it_to_identity_policies(aws: Account) -> None:
    arn = role(aws, trusting(root_of(aws)))
    bob, eve = User(aws, "bob", allow("sts:AssumeRole", resource=arn)), User(aws, "eve")
    bob.sts.assume_role(RoleArn=arn, RoleSessionName="night")
    assert refusal(eve.sts.assume_role, RoleArn=arn, RoleSessionName="night")[0] == "AccessDenied"


def test_trust_in_a_user_by_name_is_enough_unless_denied(aws: Account) -> None:
    bob = User(aws, "bob")
    arn = role(aws, trusting({"AWS": bob.arn}))
    bob.sts.assume_role(RoleArn=arn, RoleSessionName="night")
    aws.iam.put_user_policy(UserName="bob", PolicyName="no", PolicyDocument=deny("sts:AssumeRole"))
    assert "explicit deny" in refusal(bob.sts.assume_role, RoleArn=arn, RoleSessionName="night")[1]


def test_trust_in_a_user_means_that_user_and_not_a_namesake(aws: Account) -> None:
    bob = User(aws, "bob")
    user_id = aws.iam.get_user(UserName="bob")["User"]["UserId"]
    arn = role(aws, trusting({"AWS": bob.arn}))
    aws.iam.update_user(UserName="bob", NewUserName="rob")
    bob.sts.assume_role(RoleArn=arn, RoleSessionName="night")
    aws.iam.update_user(UserName="rob", NewUserName="bob")
    aws.iam.delete_access_key(UserName="bob", AccessKeyId=bob.key["AccessKeyId"])
    aws.iam.delete_user(UserName="bob")
    namesake = User(aws, "bob")
    assert refusal(namesake.sts.assume_role, RoleArn=arn, RoleSessionName="night")[0] == "AccessDenied"
    (statement,) = aws.iam.get_role(RoleName="worker")["Role"]["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Principal"] == {"AWS": user_id}


def test_across_accounts_both_sides_must_agree(aws: Account) -> None:
    other = aws.node.fresh_account()
    arn = role(aws, trusting(root_of(other)))
    bob, eve = User(other, "bob", allow("sts:AssumeRole")), User(other, "eve")
    answer = bob.sts.assume_role(RoleArn=arn, RoleSessionName="night")
    assert session(aws, answer, "sts").get_caller_identity()["Account"] == aws.id
    assert refusal(eve.sts.assume_role, RoleArn=arn, RoleSessionName="night")[0] == "AccessDenied"


def test_an_external_id_must_match(aws: Account) -> None:
    bob = User(aws, "bob", allow("sts:AssumeRole"))
    arn = role(aws, trusting(root_of(aws), Condition={"StringEquals": {"sts:ExternalId": "secret-7"}}))
    assert refusal(bob.sts.assume_role, RoleArn=arn, RoleSessionName="night")[0] == "AccessDenied"
    assert refusal(bob.sts.assume_role, RoleArn=arn, RoleSessionName="night", ExternalId="wrong")[0] == "AccessDenied"
    bob.sts.assume_role(RoleArn=arn, RoleSessionName="night", ExternalId="secret-7")


def test_a_session_may_what_its_role_may_and_at_once(aws: Account) -> None:
    arn = role(aws, trusting(root_of(aws)))
    iam = session(aws, aws.sts.assume_role(RoleArn=arn, RoleSessionName="night"), "iam")
    code, message, _ = refusal(iam.list_users)
    assert code == "AccessDenied"
    assert message.startswith(f"User: arn:aws:sts::{aws.id}:assumed-role/worker/night is not authorized to perform: iam:ListUsers")
    aws.iam.put_role_policy(RoleName="worker", PolicyName="p", PolicyDocument=allow("iam:ListUsers"))
    assert iam.list_users()["Users"] == []


def test_session_policies_narrow_what_the_role_may(aws: Account) -> None:
    arn = role(aws, trusting(root_of(aws)), allow("iam:List*"))
    answer = aws.sts.assume_role(RoleArn=arn, RoleSessionName="night", Policy=allow("iam:ListUsers", "iam:GetUser"))
    iam = session(aws, answer, "iam")
    assert 0 < answer["PackedPolicySize"] <= 100
    assert iam.list_users()["Users"] == []
    assert "because no session policy allows the iam:ListRoles action" in refusal(iam.list_roles)[1]
    assert refusal(iam.get_user, UserName="bob")[0] == "AccessDenied"


def test_managed_policies_can_narrow_a_session(aws: Account) -> None:
    arn = role(aws, trusting(root_of(aws)), allow("*"))
    narrow = [{"arn": "arn:aws:iam::aws:policy/IAMReadOnlyAccess"}]
    iam = session(aws, aws.sts.assume_role(RoleArn=arn, RoleSessionName="night", PolicyArns=narrow), "iam")
    assert iam.list_users()["Users"] == []
    assert refusal(iam.create_user, UserName="bob")[0] == "AccessDenied"


def test_a_session_policy_that_makes_no_sense_is_malformed(aws: Account) -> None:
    arn = role(aws, trusting(root_of(aws)))
    assert refusal(aws.sts.assume_role, RoleArn=arn, RoleSessionName="night", Policy="{")[0] == "MalformedPolicyDocument"


def test_policies_that_do_not_fit_are_too_large(aws: Account) -> None:
    arn = role(aws, trusting(root_of(aws)))
    actions = [f"s3:Get{(number * 7919) ** 5:x}" for number in range(300)]
    code, message, status = refusal(aws.sts.assume_role, RoleArn=arn, RoleSessionName="night", Policy=allow(*actions))
    assert (code, status) == ("PackedPolicyTooLarge", 400)
    assert "of allotted space" in message


def test_a_session_is_no_longer_than_its_role_allows(aws: Account) -> None:
    arn = role(aws, trusting(root_of(aws)), MaxSessionDuration=7200)
    aws.sts.assume_role(RoleArn=arn, RoleSessionName="night", DurationSeconds=7200)
    answer = refusal(aws.sts.assume_role, RoleArn=arn, RoleSessionName="night", DurationSeconds=7201)
    assert answer == ("ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.", 400)
    unchecked = aws.client("sts", config=_unchecked())
    for seconds in (899, 43_201):
        assert refusal(unchecked.assume_role, RoleArn=arn, RoleSessionName="night", DurationSeconds=seconds)[0] == "ValidationError"


def test_a_chain_of_roles_lasts_an_hour_at_most(aws: Account) -> None:
    first = role(aws, trusting(root_of(aws)), allow("sts:AssumeRole"), name="first")
    second = role(aws, trusting({"AWS": first}), name="second", MaxSessionDuration=7200)
    sts = session(aws, aws.sts.assume_role(RoleArn=first, RoleSessionName="one"), "sts")
    sts.assume_role(RoleArn=second, RoleSessionName="two", DurationSeconds=3600)
    answer = refusal(sts.assume_role, RoleArn=second, RoleSessionName="two", DurationSeconds=3601)
    message = "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining"
    assert answer == ("ValidationError", message, 400)


def test_session_tags_need_permission_and_are_seen_by_policies(aws: Account) -> None:
    by_team = allow("iam:ListUsers", Condition={"StringEquals": {"aws:PrincipalTag/team": "blue"}})
    plain = role(aws, trusting(root_of(aws)), name="plain")
    tagging = role(aws, trusting(root_of(aws), "sts:AssumeRole", "sts:TagSession"), by_team, name="tagging")
    bob = User(aws, "bob", allow("sts:AssumeRole", "sts:TagSession"))
    tags = [{"Key": "team", "Value": "blue"}]
    assert refusal(bob.sts.assume_role, RoleArn=plain, RoleSessionName="night", Tags=tags)[0] == "AccessDenied"
    iam = session(aws, bob.sts.assume_role(RoleArn=tagging, RoleSessionName="night", Tags=tags), "iam")
    assert len(iam.list_users()["Users"]) == 1
    untagged = session(aws, bob.sts.assume_role(RoleArn=tagging, RoleSessionName="night"), "iam")
    assert refusal(untagged.list_users)[0] == "AccessDenied"


def test_transitive_tags_go_along_a_chain_and_others_do_not(aws: Account) -> None:
    both = ("sts:AssumeRole", "sts:TagSession")
    first = role(aws, trusting(root_of(aws), *both), allow(*both), name="first")
    wants_team = allow("iam:ListUsers", Condition={"StringEquals": {"aws:PrincipalTag/team": "blue"}})
    wants_shift = allow("iam:ListRoles", Condition={"StringEquals": {"aws:PrincipalTag/shift": "late"}})
    second = role(aws, trusting({"AWS": first}, *both), wants_team, wants_shift, name="second")
    tags = [{"Key": "team", "Value": "blue"}, {"Key": "shift", "Value": "late"}]
    sts = session(aws, aws.sts.assume_role(RoleArn=first, RoleSessionName="one", Tags=tags, TransitiveTagKeys=["team"]), "sts")
    iam = session(aws, sts.assume_role(RoleArn=second, RoleSessionName="two"), "iam")
    assert iam.list_users()["Users"] == []
    assert refusal(iam.list_roles)[0] == "AccessDenied"
    assert refusal(sts.assume_role, RoleArn=second, RoleSessionName="two", Tags=[{"Key": "team", "Value": "red"}])[0] == "InvalidParameterValue"


@pytest.mark.parametrize(
    ("params", "message"),
    [
        (
            {"Tags": [{"Key": "name", "Value": "a"}, {"Key": "Name", "Value": "b"}]},
            "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
        ),
        ({"TransitiveTagKeys": ["missing"]}, "The specified transitive tag key must be included in the requested tags."),
    ],
)
def test_tags_that_contradict_each_other_are_refused(aws: Account, params: dict[str, Any], message: str) -> None:
    arn = role(aws, trusting(root_of(aws), "sts:AssumeRole", "sts:TagSession"))
    answer = refusal(aws.sts.assume_role, RoleArn=arn, RoleSessionName="night", **params)
    assert answer == ("InvalidParameterValue", message, 400)


def test_a_source_identity_stays_along_a_chain(aws: Account) -> None:
    both = ("sts:AssumeRole", "sts:SetSourceIdentity")
    first = role(aws, trusting(root_of(aws), *both), allow(*both), name="first")
    second = role(aws, trusting({"AWS": first}, *both, Condition={"StringEquals": {"aws:SourceIdentity": "alice"}}), name="second")
    answer = aws.sts.assume_role(RoleArn=first, RoleSessionName="one", SourceIdentity="alice")
    assert answer["SourceIdentity"] == "alice"
    sts = session(aws, answer, "sts")
    assert sts.assume_role(RoleArn=second, RoleSessionName="two")["SourceIdentity"] == "alice"
    assert refusal(sts.assume_role, RoleArn=second, RoleSessionName="two", SourceIdentity="mallory")[0] == "AccessDenied"


@pytest.mark.parametrize("name", ["x", "has space", "x" * 65])
def test_session_names_have_rules(aws: Account, name: str) -> None:
    arn = role(aws, trusting(root_of(aws)))
    sts = aws.client("sts", config=_unchecked())
    assert refusal(sts.assume_role, RoleArn=arn, RoleSessionName=name)[0] == "ValidationError"


def test_a_session_ends_with_its_role(aws: Account) -> None:
    arn = role(aws, trusting(root_of(aws)), allow("iam:ListUsers"))
    iam = session(aws, aws.sts.assume_role(RoleArn=arn, RoleSessionName="night"), "iam")
    assert iam.list_users()["Users"] == []
    aws.iam.delete_role_policy(RoleName="worker", PolicyName="policy0")
    aws.iam.delete_role(RoleName="worker")
    role(aws, trusting(root_of(aws)), allow("iam:ListUsers"))
    assert refusal(iam.list_users)[0] in ("AccessDenied", "InvalidClientTokenId")


def test_a_session_expires(turned: Account) -> None:
    arn = role(turned, trusting(root_of(turned)))
    sts = session(turned, turned.sts.assume_role(RoleArn=arn, RoleSessionName="night", DurationSeconds=900), "sts")
    assert sts.get_caller_identity()["Account"] == turned.id
    turned.node.advance(901)
    assert refusal(sts.get_caller_identity)[0] in ("ExpiredToken", "RequestExpired")


def test_a_token_that_was_touched_opens_nothing(aws: Account) -> None:
    answer = aws.sts.assume_role(RoleArn=role(aws, trusting(root_of(aws))), RoleSessionName="night")
    token = answer["Credentials"]["SessionToken"]
    answer["Credentials"]["SessionToken"] = token[:40] + ("A" if token[40] != "A" else "B") + token[41:]
    assert refusal(session(aws, answer, "sts").get_caller_identity)[0] == "InvalidClientTokenId"


def test_the_last_use_of_a_role_is_told(aws: Account) -> None:
    arn = role(aws, trusting(root_of(aws)), allow("iam:ListUsers"))
    session(aws, aws.sts.assume_role(RoleArn=arn, RoleSessionName="night"), "iam").list_users()
    used = _until_used(aws)
    assert used["Region"] == "us-east-1"


def _until_used(aws: Account) -> dict[str, Any]:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        used = aws.iam.get_role(RoleName="worker")["Role"]["RoleLastUsed"]
        if used:
            return used
        time.sleep(0.05)
    pytest.fail("the use of the role was never told")


def _unchecked() -> Any:
    return Config(parameter_validation=False, retries={"max_attempts": 1})
