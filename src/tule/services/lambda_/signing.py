"""Code signing configurations: whose signatures a function's packages should carry.

AWS Signer makes those signatures, and nobody else can verify them: here every package counts as unsigned.  So a configuration
that says Enforce refuses every deployment, and one that says Warn refuses none, as AWS does with unsigned packages.
AWS: Lambda developer guide, code signing.
"""

from __future__ import annotations

from typing import Any

from tule.core.errors import ServiceError
from tule.services.lambda_ import errors, state
from tule.services.lambda_.names import FunctionRef
from tule.store.documents import Documents
from tule.store.store import Tx

CONFIGS = Documents("lambda.code-signing")  # the members of CodeSigningConfig, and `tags`; under the ARN
ID_CHARS = 17

Config = dict[str, Any]


def find(tx: Tx, account: str, region: str, arn: str) -> Config | None:
    return CONFIGS.get(tx, account, region, arn)


def get(tx: Tx, account: str, region: str, arn: str) -> Config:
    """Raises ResourceNotFoundException."""
    found = find(tx, account, region, arn)
    if found is None:
        raise errors.not_found(_absent(arn))
    return found


def put(tx: Tx, account: str, region: str, config: Config) -> None:
    CONFIGS.put(tx, account, region, config["CodeSigningConfigArn"], config)


def check(tx: Tx, account: str, region: str, arn: str) -> None:
    """That a function may name it.  Raises CodeSigningConfigNotFoundException."""
    if find(tx, account, region, arn) is None:
        raise ServiceError("CodeSigningConfigNotFoundException", _absent(arn), 404, fields={"Type": "User"})


def enforce(tx: Tx, ref: FunctionRef, function: dict[str, Any]) -> None:
    """Whether the function may have the code that it is about to have.  Raises CodeVerificationFailedException."""
    config = find(tx, ref.account, ref.region, function.get("code_signing", ""))
    if config is not None and config.get("CodeSigningPolicies", {}).get("UntrustedArtifactOnDeployment") == "Enforce":
        text = (
            "Lambda cannot deploy the function. The function or layer might be signed using a signature that the client is not configured to"
            f" accept. Check the provided signature for {ref.name}."
        )
        raise ServiceError("CodeVerificationFailedException", text, 400, fields={"Type": "User"})


def users(tx: Tx, account: str, region: str, arn: str) -> list[str]:
    """The ARNs of the functions that name it."""
    every = state.functions(tx, account, region, "", 1_000_000)
    return [function["configuration"]["FunctionArn"] for _, function in every if function.get("code_signing") == arn]


def _absent(arn: str) -> str:
    return f"The code signing configuration cannot be found. Check that the provided configuration is not deleted: {arn}."
