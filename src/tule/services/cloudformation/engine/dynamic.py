"""Dynamic references: `{{resolve:ssm:name:version}}` and its kin, fetched when a resource is made.

AWS: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html

Records keep the references, never what they resolve to.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import orjson

from tule.services.cloudformation.errors import TemplateError

if TYPE_CHECKING:
    from tule.services.cloudformation.engine.run import Run

REFERENCE = re.compile(r"\{\{resolve:(ssm|ssm-secure|secretsmanager):([^{}]+)\}\}")


async def fetched(run: Run, value: Any) -> Any:
    """`value` with every dynamic reference replaced by what it refers to.  Raises ServiceError of the service asked, or TemplateError."""
    found = _found(value)
    if not found:
        return value
    known = {whole: await _fetch(run, service, rest) for whole, (service, rest) in found.items()}
    return _replaced(value, known)


def _found(value: Any) -> dict[str, tuple[str, str]]:
    if isinstance(value, dict):
        return {key: match for inner in value.values() for key, match in _found(inner).items()}
    if isinstance(value, list):
        return {key: match for inner in value for key, match in _found(inner).items()}
    if isinstance(value, str) and "{{resolve:" in value:
        return {match.group(0): (match.group(1), match.group(2)) for match in REFERENCE.finditer(value)}
    return {}


def _replaced(value: Any, known: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _replaced(inner, known) for key, inner in value.items()}
    if isinstance(value, list):
        return [_replaced(inner, known) for inner in value]
    if isinstance(value, str):
        for reference, text in known.items():
            value = value.replace(reference, text)
    return value


async def _fetch(run: Run, service: str, rest: str) -> str:
    return await (_secret(run, rest) if service == "secretsmanager" else _parameter(run, rest))


async def _parameter(run: Run, rest: str) -> str:
    answer = await _ask(run, "ssm", "GetParameter", {"Name": rest, "WithDecryption": True})
    return str(answer["Parameter"]["Value"])


async def _secret(run: Run, rest: str) -> str:
    """`id:SecretString:json-key:version-stage:version-id`, where the id may be an ARN."""
    secret_id, fields = _secret_id(rest)
    kind, key, stage, version = (*fields, "", "", "", "")[:4]
    if kind not in ("", "SecretString"):
        raise TemplateError(f"Could not resolve the dynamic reference: only SecretString is supported, not {kind}")
    wanted = {"SecretId": secret_id, "VersionStage": stage, "VersionId": version}
    answer = await _ask(run, "secretsmanager", "GetSecretValue", {name: text for name, text in wanted.items() if text})
    secret = str(answer["SecretString"])
    return _json_key(secret, key) if key else secret


def _secret_id(rest: str) -> tuple[str, list[str]]:
    parts = rest.split(":")
    length = 7 if parts[0] == "arn" else 1
    return ":".join(parts[:length]), parts[length:]


def _json_key(secret: str, key: str) -> str:
    try:
        content = orjson.loads(secret)
    except orjson.JSONDecodeError as error:
        raise TemplateError("Could not parse SecretString JSON") from error
    if not isinstance(content, dict) or key not in content:
        raise TemplateError(f"Could not find a value associated with JSONKey in SecretString: {key}")
    return str(content[key])


async def _ask(run: Run, service: str, operation: str, params: dict[str, Any]) -> dict[str, Any]:
    return await run.node.dispatcher.invoke(service, operation, params, principal=await run.principal(), region=run.stack.region)
