"""Filters and input templates of pipes with a key of KMS, encrypted while they are kept.  Events are never kept.

It is the pipe's role that needs the key: to make the pipe, to show it, and while it runs.
AWS: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-encryption-pipes-cmkey.html
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import orjson

from tule.access.principal import Principal
from tule.core.errors import ServiceError
from tule.platform import encryption
from tule.platform.encryption import Holder, KeyRefused
from tule.platform.node import Node
from tule.services.pipes import errors
from tule.services.pipes.names import PIPES, PipeRef
from tule.services.pipes.state import Document

KEY = "KmsKeyIdentifier"
_SECRETS = (("SourceParameters", "FilterCriteria"), ("EnrichmentParameters", "InputTemplate"), ("TargetParameters", "InputTemplate"))

Settings = dict[str, Any]


async def principal_of(node: Node, ref: PipeRef, role: str) -> Principal:
    """The pipe's role.  Raises ServiceError."""
    session = await node.roles.session(role, service=PIPES, account=ref.account, region=ref.region, session_name=ref.session_name, source_arn=ref.arn)
    return session.principal


async def sealed(node: Node, ref: PipeRef, settings: Settings) -> tuple[Settings, str]:
    """The settings as they are kept, and what is no longer in them.  Raises ValidationException."""
    if KEY not in settings:
        return settings, ""
    secrets = {block: settings[block][name] for block, name in _SECRETS if name in settings.get(block, {})}
    key = encryption.key_arn(settings[KEY], ref.account, ref.region)
    try:
        principal = await principal_of(node, ref, settings["RoleArn"])
        envelopes = await encryption.seal(node, Holder(principal, PIPES, ref.region, key, {"aws:pipes:arn": ref.arn}), [orjson.dumps(secrets)])
        await encryption.unseal(node, principal, PIPES, ref.region, envelopes)
    except (KeyRefused, ServiceError) as refusal:
        raise errors.invalid_field(KEY, refusal.message) from refusal
    return {**settings, **{block: _without(settings[block], name) for block, name in _SECRETS if block in secrets}}, _text(envelopes[0])


def _without(block: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {each: value for each, value in block.items() if each != name}


def _text(envelope: bytes) -> str:
    return base64.b64encode(envelope).decode()


async def opened(node: Node, ref: PipeRef, pipe: Document) -> Settings:
    """The whole of a pipe's settings.  Raises KeyRefused and ServiceError."""
    settings: Settings = pipe["settings"]
    if not pipe.get("envelope"):
        return settings
    principal = await principal_of(node, ref, settings["RoleArn"])
    texts = await encryption.unseal(node, principal, PIPES, ref.region, [base64.b64decode(pipe["envelope"])])
    secrets: dict[str, Any] = orjson.loads(texts[0])
    return {**settings, **{block: {**settings[block], name: secrets[block]} for block, name in _SECRETS if block in secrets}}
