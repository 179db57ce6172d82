"""Platform applications and their endpoints.  What is pushed to them is kept.

AWS: https://docs.aws.amazon.com/sns/latest/dg/sns-mobile-application-as-subscriber.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tule.core import arn as arns
from tule.platform.mailbox import Mail, keep
from tule.services.sns import errors, names
from tule.services.sns.message import Message
from tule.store.documents import Documents
from tule.store.store import Tx

PLATFORMS = ("ADM", "APNS", "APNS_SANDBOX", "APNS_VOIP", "APNS_VOIP_SANDBOX", "MACOS", "MACOS_SANDBOX", "BAIDU", "GCM", "MPNS", "WNS")
_APPLICATIONS = Documents("sns.application")
_ENDPOINTS = Documents("sns.endpoint")
_SECRETS = ("PlatformCredential", "PlatformPrincipal", "ApplePlatformTeamID", "ApplePlatformBundleID")
_APPLICATION_ATTRIBUTES = (
    *_SECRETS,
    *("EventEndpointCreated", "EventEndpointDeleted", "EventEndpointUpdated", "EventDeliveryFailure"),
    *("SuccessFeedbackRoleArn", "FailureFeedbackRoleArn", "SuccessFeedbackSampleRate", "Enabled"),
)
_ENDPOINT_ATTRIBUTES = ("CustomUserData", "Enabled", "Token")
_MAX_USER_DATA = 2048
_MAX_NAME = 256

Attributes = dict[str, str]


def create(tx: Tx, account: str, region: str, name: str, platform: str, given: Mapping[str, str]) -> str:
    """The application's ARN.  Raises InvalidParameter."""
    if platform not in PLATFORMS:
        raise errors.invalid_reason("Platform", f"{platform} is not a supported platform")
    if not 1 <= len(name) <= _MAX_NAME or not all(char.isascii() and (char.isalnum() or char in "_-.") for char in name):
        raise errors.invalid_reason("Name", "must be made up of 1 to 256 letters, numbers, underscores, hyphens and periods")
    _check_application(given)
    if "PlatformPrincipal" in given and "PlatformCredential" not in given:
        raise errors.invalid_reason("Attributes", "PlatformPrincipal attribute provided without PlatformCredential")
    if "PlatformCredential" in given and "PlatformPrincipal" not in given and platform not in ("GCM",):
        raise errors.invalid_reason("Attributes", "PlatformCredential attribute provided without PlatformPrincipal")
    if "PlatformCredential" not in given:
        raise errors.invalid_reason("Attributes", "PlatformCredential attribute is required")
    arn = arns.arn("sns", region, account, f"app/{platform}/{name}")
    _APPLICATIONS.put(tx, account, region, arn, {"Enabled": "true", **given})
    return arn


def _check_application(given: Mapping[str, str]) -> None:
    for name in given:
        if name not in _APPLICATION_ATTRIBUTES:
            raise errors.invalid_reason("Attributes", f"Invalid attribute name: {name}")


def get(tx: Tx, arn: str) -> Attributes:
    """All of its attributes, with its secrets.  Raises NotFound."""
    parsed = names.application(arn)
    found = _APPLICATIONS.get(tx, parsed.account, parsed.region, arn)
    if found is None:
        raise errors.not_found("PlatformApplication")
    return found


def shown(attributes: Attributes) -> Attributes:
    return {name: value for name, value in attributes.items() if name not in _SECRETS}


def change(tx: Tx, arn: str, given: Mapping[str, str]) -> None:
    attributes = get(tx, arn)
    _check_application(given)
    parsed = arns.parse(arn)
    _APPLICATIONS.put(tx, parsed.account, parsed.region, arn, {**attributes, **given})


def delete(tx: Tx, arn: str) -> None:
    """With its endpoints.  What is gone already is no error."""
    parsed = names.application(arn)
    _APPLICATIONS.delete(tx, parsed.account, parsed.region, arn)
    for endpoint, _ in endpoints(tx, arn, "", 1_000_000):
        _ENDPOINTS.delete(tx, parsed.account, parsed.region, endpoint)


def page(tx: Tx, account: str, region: str, after: str, limit: int) -> list[tuple[str, Attributes]]:
    return _APPLICATIONS.page(tx, account, region, after=after, limit=limit)


def create_endpoint(tx: Tx, application: str, token: str, given: Mapping[str, str]) -> str:
    """The endpoint's ARN; the same for the same token, unless its attributes differ."""
    get(tx, application)
    _check_endpoint(given)
    wanted = {"Enabled": "true", **given, "Token": token}
    for arn, attributes in endpoints(tx, application, "", 1_000_000):
        if attributes["Token"] == token:
            if any(attributes.get(name, "") != value for name, value in {"CustomUserData": "", **wanted}.items()):
                raise errors.invalid_reason("Token", f"Endpoint {arn} already exists with the same Token, but different attributes.")
            return arn
    parsed = arns.parse(application)
    arn = str(parsed._replace(resource=f"{parsed.resource.replace('app/', 'endpoint/', 1)}/{tx.ids.uuid()}"))
    _ENDPOINTS.put(tx, parsed.account, parsed.region, arn, wanted)
    return arn


def _check_endpoint(given: Mapping[str, str]) -> None:
    for name in given:
        if name not in _ENDPOINT_ATTRIBUTES:
            raise errors.invalid_reason("Attributes", f"Invalid attribute name: {name}")
    if len(given.get("CustomUserData", "").encode()) > _MAX_USER_DATA:
        raise errors.invalid_reason(
            "Attributes", f"Invalid value for attribute: CustomUserData: must be at most {_MAX_USER_DATA} bytes long in UTF-8 encoding"
        )
    if given.get("Enabled", "true").lower() not in ("true", "false"):
        raise errors.invalid_reason("Attributes", "Invalid value for attribute: Enabled: must be true or false")


def endpoints(tx: Tx, application: str, after: str, limit: int) -> list[tuple[str, Attributes]]:
    parsed = arns.parse(application)
    prefix = str(parsed._replace(resource=parsed.resource.replace("app/", "endpoint/", 1))) + "/"
    return _ENDPOINTS.page(tx, parsed.account, parsed.region, after=after, limit=limit, prefix=prefix)


def endpoint(tx: Tx, arn: str) -> Attributes:
    """Raises NotFound."""
    parsed = names.endpoint(arn)
    found = _ENDPOINTS.get(tx, parsed.account, parsed.region, arn)
    if found is None:
        raise errors.not_found("Endpoint")
    return found


def change_endpoint(tx: Tx, arn: str, given: Mapping[str, str]) -> None:
    attributes = endpoint(tx, arn)
    _check_endpoint(given)
    parsed = arns.parse(arn)
    _ENDPOINTS.put(tx, parsed.account, parsed.region, arn, {**attributes, **given})


def delete_endpoint(tx: Tx, arn: str) -> None:
    parsed = names.endpoint(arn)
    _ENDPOINTS.delete(tx, parsed.account, parsed.region, arn)


def push(tx: Tx, arn: str, message: Message) -> None:
    """Raises InvalidParameter, EndpointDisabled, PlatformApplicationDisabled."""
    parsed = names.endpoint(arn, "TargetArn")
    found = _ENDPOINTS.get(tx, parsed.account, parsed.region, arn)
    application = _APPLICATIONS.get(tx, parsed.account, parsed.region, names.application_of(arn))
    if found is None or application is None:
        raise errors.invalid_reason("TargetArn", "No endpoint found for the target arn specified")
    if application.get("Enabled", "true").lower() != "true":
        raise errors.application_disabled()
    if found["Enabled"].lower() != "true":
        raise errors.endpoint_disabled()
    platform = parsed.resource.split("/")[1]
    details: dict[str, Any] = {"platform": platform, "token": found["Token"], "attributes": message.attributes}
    text = message.text_for(platform)
    keep(tx, Mail(message.id, parsed.account, parsed.region, "sns", "", (arn,), message.subject or "", text, details=details, kind="push"))
