"""What goes to people: e-mail, text messages, mobile applications.  All of it is kept."""

from __future__ import annotations

import json
import re
import urllib.request
from typing import Any

from tests.node import Account
from tests.services.sns.endpoints import eventually
from tests.services.sns.test_topics import refused


def mail(aws: Account, to: str = "", kind: str = "", count: int = 1) -> list[dict[str, Any]]:
    """The latest `count` of what was kept for the account, the latest first."""

    def found() -> list[dict[str, Any]]:
        kept = aws.node.get(f"/_tule/mail?account={aws.id}&to={to}&kind={kind}")["mail"]
        return kept if len(kept) >= count else []

    return eventually(found)[:count]


def test_a_mailbox_confirms_by_a_link_and_then_gets_the_messages(aws: Account, topic: str) -> None:
    aws.sns.set_topic_attributes(TopicArn=topic, AttributeName="DisplayName", AttributeValue="The Times")
    aws.sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="ada@example.com")
    [asked] = mail(aws, "ada@example.com")
    assert (asked["subject"], asked["kind"]) == ("AWS Notification - Subscription Confirmation", "email")
    link = re.search(r"http\S+ConfirmSubscription\S+", asked["text"])
    assert link is not None
    with urllib.request.urlopen(link[0], timeout=20) as answer:
        assert b"ConfirmSubscriptionResult" in answer.read()
    aws.sns.publish(TopicArn=topic, Message="It rains.", Subject="Weather")
    got = mail(aws, "ada@example.com", count=2)[0]
    assert (got["subject"], got["from"]) == ("Weather", "The Times <no-reply@sns.amazonaws.com>")
    assert got["text"].startswith("It rains.\n")
    assert "Action=Unsubscribe" in got["text"]


def test_json_mail_is_the_notification(aws: Account, topic: str) -> None:
    aws.sns.subscribe(TopicArn=topic, Protocol="email-json", Endpoint="bot@example.com")
    [asked] = mail(aws, "bot@example.com")
    aws.sns.confirm_subscription(TopicArn=topic, Token=json.loads(asked["text"])["Token"])
    sent = aws.sns.publish(TopicArn=topic, Message="beep")
    document = json.loads(mail(aws, "bot@example.com", count=2)[0]["text"])
    assert (document["Type"], document["Message"], document["MessageId"]) == ("Notification", "beep", sent["MessageId"])


def test_a_text_message_is_kept_with_who_sent_it(aws: Account, topic: str) -> None:
    aws.sns.set_sms_attributes(attributes={"DefaultSenderID": "TULE", "DefaultSMSType": "Transactional"})
    direct = aws.sns.publish(PhoneNumber="+491701234567", Message="direct")
    [kept] = mail(aws, kind="sms")
    assert (kept["id"], kept["text"], kept["from"], kept["to"]) == (direct["MessageId"], "direct", "TULE", "+491701234567")
    aws.sns.subscribe(TopicArn=topic, Protocol="sms", Endpoint="+15550100123")
    aws.sns.publish(TopicArn=topic, MessageStructure="json", Message=json.dumps({"default": "long", "sms": "short"}))
    [kept] = [each for each in mail(aws, kind="sms", count=2) if each["to"] == "+15550100123"]
    assert (kept["text"], kept["details"]["topic"]) == ("short", topic)


def test_a_number_that_is_none_gets_nothing(aws: Account, topic: str) -> None:
    assert refused(aws.sns.publish, PhoneNumber="12", Message="m")[1] == "Invalid parameter: PhoneNumber Reason: 12 is not valid to publish to"
    assert refused(aws.sns.subscribe, TopicArn=topic, Protocol="sms", Endpoint="nobody")[1] == "Invalid SMS endpoint: nobody"


def test_who_has_opted_out_is_listed_and_may_opt_in(aws: Account) -> None:
    number = "+491709999999"
    aws.node.post("/_tule/sns/opt-out", {"account": aws.id, "region": aws.region, "number": number})
    assert aws.sns.check_if_phone_number_is_opted_out(phoneNumber=number)["isOptedOut"]
    assert aws.sns.list_phone_numbers_opted_out()["phoneNumbers"] == [number]
    aws.sns.publish(PhoneNumber=number, Message="unwanted")
    assert not mail(aws, kind="sms")[0]["details"]["delivered"]
    aws.sns.opt_in_phone_number(phoneNumber=number)
    assert aws.sns.list_phone_numbers_opted_out()["phoneNumbers"] == []


def test_sms_attributes_are_kept_and_checked(aws: Account) -> None:
    assert aws.sns.get_sms_attributes()["attributes"] == {"MonthlySpendLimit": "1"}
    aws.sns.set_sms_attributes(attributes={"DefaultSMSType": "Promotional", "MonthlySpendLimit": "5"})
    assert aws.sns.get_sms_attributes(attributes=["DefaultSMSType"])["attributes"] == {"DefaultSMSType": "Promotional"}
    assert refused(aws.sns.set_sms_attributes, attributes={"DefaultSMSType": "Loud"})[1] == "Invalid parameter: DefaultSMSType is invalid"


def test_a_sandbox_number_is_verified_with_the_password_that_it_got(aws: Account) -> None:
    number = "+491701111111"
    aws.sns.create_sms_sandbox_phone_number(PhoneNumber=number)
    assert aws.sns.list_sms_sandbox_phone_numbers()["PhoneNumbers"] == [{"PhoneNumber": number, "Status": "Pending"}]
    password = mail(aws, kind="sms")[0]["details"]["one_time_password"]
    wrong = "".join(str(9 - int(digit)) for digit in password)
    assert refused(aws.sns.verify_sms_sandbox_phone_number, PhoneNumber=number, OneTimePassword=wrong)[0] == "VerificationException"
    aws.sns.verify_sms_sandbox_phone_number(PhoneNumber=number, OneTimePassword=password)
    assert aws.sns.list_sms_sandbox_phone_numbers()["PhoneNumbers"] == [{"PhoneNumber": number, "Status": "Verified"}]
    aws.sns.delete_sms_sandbox_phone_number(PhoneNumber=number)
    assert aws.sns.list_sms_sandbox_phone_numbers()["PhoneNumbers"] == []
    assert not aws.sns.get_sms_sandbox_account_status()["IsInSandbox"]


def application(aws: Account) -> str:
    given = {"PlatformCredential": "secret"}
    return aws.sns.create_platform_application(Name="app", Platform="GCM", Attributes=given)["PlatformApplicationArn"]


def test_an_application_hides_its_secrets(aws: Account) -> None:
    arn = application(aws)
    assert arn == f"arn:aws:sns:us-east-1:{aws.id}:app/GCM/app"
    assert aws.sns.get_platform_application_attributes(PlatformApplicationArn=arn)["Attributes"] == {"Enabled": "true"}
    assert aws.sns.list_platform_applications()["PlatformApplications"] == [{"PlatformApplicationArn": arn, "Attributes": {"Enabled": "true"}}]


def test_an_endpoint_is_the_same_for_the_same_token(aws: Account) -> None:
    arn = application(aws)
    endpoint = aws.sns.create_platform_endpoint(PlatformApplicationArn=arn, Token="t", CustomUserData="u")["EndpointArn"]
    assert aws.sns.create_platform_endpoint(PlatformApplicationArn=arn, Token="t", CustomUserData="u")["EndpointArn"] == endpoint
    assert refused(aws.sns.create_platform_endpoint, PlatformApplicationArn=arn, Token="t", CustomUserData="v")[1] == (
        f"Invalid parameter: Token Reason: Endpoint {endpoint} already exists with the same Token, but different attributes."
    )


def test_a_push_is_kept_in_the_words_for_its_platform(aws: Account, topic: str) -> None:
    endpoint = aws.sns.create_platform_endpoint(PlatformApplicationArn=application(aws), Token="device")["EndpointArn"]
    text = json.dumps({"default": "plain", "GCM": json.dumps({"data": {"message": "pushed"}})})
    aws.sns.publish(TargetArn=endpoint, Message=text, MessageStructure="json")
    [kept] = mail(aws, endpoint, "push")
    assert (json.loads(kept["text"]), kept["details"]["token"]) == ({"data": {"message": "pushed"}}, "device")
    aws.sns.subscribe(TopicArn=topic, Protocol="application", Endpoint=endpoint)
    aws.sns.publish(TopicArn=topic, Message="by topic")
    assert mail(aws, endpoint, "push", count=2)[0]["text"] == "by topic"


def test_a_disabled_or_missing_endpoint_gets_nothing(aws: Account) -> None:
    endpoint = aws.sns.create_platform_endpoint(PlatformApplicationArn=application(aws), Token="device")["EndpointArn"]
    aws.sns.set_endpoint_attributes(EndpointArn=endpoint, Attributes={"Enabled": "false"})
    assert refused(aws.sns.publish, TargetArn=endpoint, Message="m") == ("EndpointDisabled", "Endpoint is disabled", 400)
    aws.sns.delete_endpoint(EndpointArn=endpoint)
    assert refused(aws.sns.publish, TargetArn=endpoint, Message="m")[1] == (
        "Invalid parameter: TargetArn Reason: No endpoint found for the target arn specified"
    )
