"""What a website configuration may say.  AWS: https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketWebsite.html"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tule.services.s3 import errors


def check(configuration: Mapping[str, Any]) -> None:
    """Raises InvalidArgument, InvalidRequest or MalformedXML."""
    everything, index = configuration.get("RedirectAllRequestsTo"), configuration.get("IndexDocument")
    rules = configuration.get("RoutingRules")
    if everything is not None:
        if index is not None or rules is not None or configuration.get("ErrorDocument") is not None:
            message = "RedirectAllRequestsTo cannot be provided in conjunction with other Routing Rules."
            raise errors.invalid_argument(message, "RedirectAllRequestsTo", "not null")
        _check_protocol(everything)
        return
    if index is None:
        message = "A value for IndexDocument Suffix must be provided if RedirectAllRequestsTo is empty"
        raise errors.invalid_argument(message, "IndexDocument", "null")
    suffix = index.get("Suffix", "")
    if not suffix or "/" in suffix:
        raise errors.invalid_argument("The IndexDocument Suffix is not well formed", "IndexDocument", suffix)
    if rules is not None:
        _check_rules(rules)


def _check_rules(rules: list[Mapping[str, Any]]) -> None:
    if not rules:
        raise errors.malformed_xml()
    for rule in rules:
        redirect = rule.get("Redirect")
        if not redirect:
            raise errors.malformed_xml()
        _check_protocol(redirect)
        if "ReplaceKeyPrefixWith" in redirect and "ReplaceKeyWith" in redirect:
            raise errors.invalid_request("You can only define ReplaceKeyPrefix or ReplaceKey but not both.")
        if "Condition" in rule and not rule["Condition"]:
            message = "Condition cannot be empty. To redirect all requests without a condition, the condition element shouldn't be present."
            raise errors.invalid_request(message)


def _check_protocol(redirect: Mapping[str, Any]) -> None:
    if redirect.get("Protocol", "http") not in ("http", "https"):
        message = "Invalid protocol, protocol can be http or https. If not defined the protocol will be selected automatically."
        raise errors.invalid_request(message)
