"""The account as a whole: alias, summary, password policy, credential report, what was used."""

from __future__ import annotations

import csv
import io
import time
from typing import Any

import pytest

from tests.node import Account
from tests.services.iam.documents import LAMBDA_TRUST, User, allow
from tests.services.iam.refusals import refusal


def test_an_account_has_one_alias_of_its_own(aws: Account) -> None:
    iam, alias = aws.iam, f"alias-{aws.id}"
    assert iam.list_account_aliases()["AccountAliases"] == []
    iam.create_account_alias(AccountAlias="first-" + alias)
    iam.create_account_alias(AccountAlias=alias)
    assert iam.list_account_aliases()["AccountAliases"] == [alias]
    other = aws.node.fresh_account().iam
    taken = ("EntityAlreadyExists", f"The account alias {alias} already exists.", 409)
    assert refusal(other.create_account_alias, AccountAlias=alias) == taken
    assert refusal(iam.delete_account_alias, AccountAlias="first-" + alias)[0] == "NoSuchEntity"
    iam.delete_account_alias(AccountAlias=alias)
    other.create_account_alias(AccountAlias=alias)


def test_the_summary_counts(aws: Account) -> None:
    aws.iam.create_user(UserName="bob")
    aws.iam.create_role(RoleName="worker", AssumeRolePolicyDocument=LAMBDA_TRUST)
    summary = aws.iam.get_account_summary()["SummaryMap"]
    assert (summary["Users"], summary["Roles"], summary["Groups"], summary["UsersQuota"]) == (1, 1, 0, 5000)


def test_a_password_policy_is_replaced_as_a_whole(aws: Account) -> None:
    iam = aws.iam
    missing = ("NoSuchEntity", f"The Password Policy with domain name {aws.id} cannot be found.", 404)
    assert refusal(iam.get_account_password_policy) == missing
    iam.update_account_password_policy(MinimumPasswordLength=12, RequireSymbols=True, MaxPasswordAge=90)
    policy = iam.get_account_password_policy()["PasswordPolicy"]
    assert (policy["MinimumPasswordLength"], policy["RequireSymbols"], policy["ExpirePasswords"]) == (12, True, True)
    iam.update_account_password_policy(RequireNumbers=True)
    assert iam.get_account_password_policy()["PasswordPolicy"] == {
        "MinimumPasswordLength": 6,
        "RequireSymbols": False,
        "RequireNumbers": True,
        "RequireUppercaseCharacters": False,
        "RequireLowercaseCharacters": False,
        "AllowUsersToChangePassword": False,
        "ExpirePasswords": False,
    }
    iam.delete_account_password_policy()
    assert refusal(iam.delete_account_password_policy) == missing


def test_the_credential_report_has_a_line_for_each_user(aws: Account) -> None:
    iam = aws.iam
    User(aws, "bob")
    assert refusal(iam.get_credential_report)[::2] == ("ReportNotPresent", 410)
    assert iam.generate_credential_report()["State"] == "STARTED"
    assert iam.generate_credential_report()["State"] == "COMPLETE"
    report = iam.get_credential_report()
    assert report["ReportFormat"] == "text/csv"
    root, bob = csv.DictReader(io.StringIO(report["Content"].decode()))
    assert (root["user"], root["arn"]) == ("<root_account>", f"arn:aws:iam::{aws.id}:root")
    assert (bob["user"], bob["password_enabled"], bob["access_key_1_active"], bob["access_key_2_active"]) == ("bob", "false", "true", "false")


def test_what_a_user_has_used_is_told(aws: Account) -> None:
    bob = User(aws, "bob", allow("iam:ListUsers", "sqs:*"))
    bob.iam.list_users()
    services = _until_used(aws, bob.arn)
    assert services["iam"]["LastAuthenticatedEntity"] == bob.arn
    assert [action["ActionName"] for action in services["iam"]["TrackedActionsLastAccessed"]] == ["ListUsers"]
    assert services["sqs"]["TotalAuthenticatedEntities"] == 0
    assert set(services) == {"iam", "sqs"}


def _until_used(aws: Account, arn: str) -> dict[str, Any]:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        job = aws.iam.generate_service_last_accessed_details(Arn=arn, Granularity="ACTION_LEVEL")["JobId"]
        details = aws.iam.get_service_last_accessed_details(JobId=job)
        assert details["JobStatus"] == "COMPLETED"
        services = {one["ServiceNamespace"]: one for one in details["ServicesLastAccessed"]}
        if "LastAuthenticated" in services["iam"]:
            entities = aws.iam.get_service_last_accessed_details_with_entities(JobId=job, ServiceNamespace="iam")
            assert [one["EntityInfo"]["Name"] for one in entities["EntityDetailsList"]] == ["bob"]
            return services
        time.sleep(0.05)
    pytest.fail("the use was never told")
