"""Who may use a key: its policy, identity policies, other accounts, conditions, and grants."""

from __future__ import annotations

from tests.node import Account
from tests.services.kms.conftest import User, allow, arn_of, new_key, policy_of, refused


def test_identity_policies_count_because_the_key_policy_lets_the_account_decide(aws: Account, key: str) -> None:
    User(aws, allow("kms:Encrypt")).kms.encrypt(KeyId=key, Plaintext=b"x")
    nobody = User(aws)
    words = f"User: {nobody.arn} is not authorized to perform: kms:Encrypt on resource: {arn_of(aws, key)} because no identity-based policy"
    with refused("AccessDeniedException", words):
        nobody.kms.encrypt(KeyId=key, Plaintext=b"x")


def test_identity_policies_count_for_nothing_where_the_key_policy_does_not_speak_of_the_account(aws: Account) -> None:
    chosen, other = User(aws), User(aws, allow("kms:*"))
    statement = {"Effect": "Allow", "Principal": {"AWS": chosen.arn}, "Action": "kms:*", "Resource": "*"}
    key = new_key(aws, Policy=policy_of(aws, statement, with_root=False), BypassPolicyLockoutSafetyCheck=True)
    chosen.kms.encrypt(KeyId=key, Plaintext=b"x")
    for client in (other.kms, aws.kms):
        with refused("AccessDeniedException", "because no resource-based policy allows the kms:Encrypt action"):
            client.encrypt(KeyId=key, Plaintext=b"x")


def test_another_account_needs_both_the_key_policy_and_its_own(aws: Account) -> None:
    guest_account = aws.node.fresh_account()
    statement = {"Effect": "Allow", "Principal": {"AWS": guest_account.id}, "Action": "kms:Decrypt", "Resource": "*"}
    key = new_key(aws, Policy=policy_of(aws, statement))
    blob = aws.kms.encrypt(KeyId=key, Plaintext=b"shared")["CiphertextBlob"]
    assert User(guest_account, allow("kms:Decrypt")).kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"shared"
    with refused("AccessDeniedException"):
        User(guest_account).kms.decrypt(CiphertextBlob=blob)
    with refused("AccessDeniedException"):
        User(guest_account, allow("kms:*")).kms.encrypt(KeyId=arn_of(aws, key), Plaintext=b"x")


def test_conditions_see_the_encryption_context(aws: Account, key: str) -> None:
    equals = {"StringEquals": {"kms:EncryptionContext:team": "red"}, "ForAllValues:StringEquals": {"kms:EncryptionContextKeys": ["team"]}}
    eve = User(aws, allow("kms:Encrypt", Condition=equals))
    eve.kms.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext={"team": "red"})
    for context in ({}, {"team": "blue"}, {"team": "red", "other": "x"}):
        with refused("AccessDeniedException"):
            eve.kms.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext=context)


def test_conditions_see_the_key_its_tags_and_its_aliases(aws: Account) -> None:
    tagged = new_key(aws, Tags=[{"TagKey": "team", "TagValue": "red"}])
    plain = new_key(aws)
    aws.kms.create_alias(AliasName="alias/red-one", TargetKeyId=plain)
    by_tag = User(aws, allow("kms:Encrypt", Condition={"StringEquals": {"aws:ResourceTag/team": "red", "kms:KeySpec": "SYMMETRIC_DEFAULT"}}))
    by_alias = User(aws, allow("kms:Encrypt", Condition={"ForAnyValue:StringLike": {"kms:ResourceAliases": "alias/red-*"}}))
    by_tag.kms.encrypt(KeyId=tagged, Plaintext=b"x")
    by_alias.kms.encrypt(KeyId=plain, Plaintext=b"x")
    for client, key in ((by_tag.kms, plain), (by_alias.kms, tagged)):
        with refused("AccessDeniedException"):
            client.encrypt(KeyId=key, Plaintext=b"x")


def test_aliases_take_a_permission_on_the_alias_and_one_on_the_key(aws: Account, key: str) -> None:
    alias = f"arn:aws:kms:{aws.region}:{aws.id}:alias/mine"
    half = User(aws, {"Effect": "Allow", "Action": "kms:CreateAlias", "Resource": alias})
    with refused("AccessDeniedException", f"on resource: {arn_of(aws, key)}"):
        half.kms.create_alias(AliasName="alias/mine", TargetKeyId=key)
    User(aws, {"Effect": "Allow", "Action": "kms:CreateAlias", "Resource": [alias, arn_of(aws, key)]}).kms.create_alias(
        AliasName="alias/mine", TargetKeyId=key
    )


def test_a_grant_lets_its_grantee_do_what_it_says_until_it_is_revoked(aws: Account, key: str) -> None:
    eve = User(aws)
    made = aws.kms.create_grant(KeyId=key, GranteePrincipal=eve.arn, Operations=["Encrypt", "DescribeKey"], Name="g")
    blob = eve.kms.encrypt(KeyId=key, Plaintext=b"x", GrantTokens=[made["GrantToken"]])["CiphertextBlob"]
    with refused("AccessDeniedException"):
        eve.kms.decrypt(CiphertextBlob=blob)
    listed = aws.kms.list_grants(KeyId=key)["Grants"]
    assert [(grant["GrantId"], grant["GranteePrincipal"], grant["Operations"]) for grant in listed] == [
        (made["GrantId"], eve.arn, ["Encrypt", "DescribeKey"])
    ]
    again = aws.kms.create_grant(KeyId=key, GranteePrincipal=eve.arn, Operations=["Encrypt", "DescribeKey"], Name="g")
    assert again["GrantId"] == made["GrantId"]
    aws.kms.revoke_grant(KeyId=key, GrantId=made["GrantId"])
    with refused("AccessDeniedException"):
        eve.kms.encrypt(KeyId=key, Plaintext=b"x")
    with refused("NotFoundException"):
        aws.kms.revoke_grant(KeyId=key, GrantId=made["GrantId"])


def test_a_grants_constraints_hold(aws: Account, key: str) -> None:
    eve = User(aws)
    subset = {"EncryptionContextSubset": {"team": "red"}}
    aws.kms.create_grant(KeyId=key, GranteePrincipal=eve.arn, Operations=["Encrypt", "Decrypt"], Constraints=subset)
    blob = eve.kms.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext={"team": "red", "more": "y"})["CiphertextBlob"]
    assert eve.kms.decrypt(CiphertextBlob=blob, EncryptionContext={"team": "red", "more": "y"})["Plaintext"] == b"x"
    for context in ({}, {"team": "blue"}):
        with refused("AccessDeniedException"):
            eve.kms.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext=context)


def test_a_grant_may_be_handed_on_but_not_widened(aws: Account, key: str) -> None:
    eve, adam = User(aws), User(aws)
    equals = {"EncryptionContextEquals": {"team": "red"}}
    aws.kms.create_grant(KeyId=key, GranteePrincipal=eve.arn, Operations=["Encrypt", "CreateGrant"], Constraints=equals)
    with refused("AccessDeniedException"):
        eve.kms.create_grant(KeyId=key, GranteePrincipal=adam.arn, Operations=["Encrypt"])
    eve.kms.create_grant(KeyId=key, GranteePrincipal=adam.arn, Operations=["Encrypt"], Constraints=equals)
    adam.kms.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext={"team": "red"})


def test_who_may_retire_a_grant_retires_it(aws: Account, key: str) -> None:
    eve, adam = User(aws), User(aws)
    made = aws.kms.create_grant(KeyId=key, GranteePrincipal=eve.arn, RetiringPrincipal=adam.arn, Operations=["Encrypt"])
    assert [grant["GrantId"] for grant in aws.kms.list_retirable_grants(RetiringPrincipal=adam.arn)["Grants"]] == [made["GrantId"]]
    with refused("AccessDeniedException"):
        eve.kms.retire_grant(GrantToken=made["GrantToken"])
    adam.kms.retire_grant(GrantToken=made["GrantToken"])
    assert aws.kms.list_grants(KeyId=key)["Grants"] == []
    with refused("InvalidGrantTokenException"):
        adam.kms.retire_grant(GrantToken="nonsense")


def test_an_explicit_denial_stands_above_a_grant(aws: Account) -> None:
    eve = User(aws)
    denial = {"Effect": "Deny", "Principal": {"AWS": eve.arn}, "Action": "kms:Encrypt", "Resource": "*"}
    key = new_key(aws, Policy=policy_of(aws, denial))
    aws.kms.create_grant(KeyId=key, GranteePrincipal=eve.arn, Operations=["Encrypt"])
    with refused("AccessDeniedException", "with an explicit deny in a resource-based policy"):
        eve.kms.encrypt(KeyId=key, Plaintext=b"x")


def test_grants_are_only_for_what_the_key_can_do(aws: Account, key: str) -> None:
    with refused("ValidationException"):
        aws.kms.create_grant(KeyId=key, GranteePrincipal=aws.id, Operations=["Sign"])
    with refused("InvalidArnException"):
        aws.kms.create_grant(KeyId=key, GranteePrincipal="somebody", Operations=["Encrypt"])
