"""What it takes to run a function, kept in memory: a warm invocation reads nothing from the store.

An entry lives until a hint says that some function changed, and never longer than a moment, so that a lost hint only
delays what was changed on another node.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tule.compute.compute import FunctionSpec
from tule.platform.node import Node
from tule.services.lambda_ import capacity, configuration, environments, idleness, layers, provisioned, state
from tule.services.lambda_.concurrency import Share
from tule.services.lambda_.names import LATEST, FunctionRef
from tule.services.lambda_.packages import Packages
from tule.store.store import Tx

MAX_AGE_S = 2.0


@dataclass(slots=True, frozen=True)
class Runnable:
    """One version of a function, as it was named by `ref`."""

    ref: FunctionRef
    spec: FunctionSpec
    role: str
    packages: tuple[tuple[str, str], ...]  # SHA-256 and blob of the code and of each layer
    policy: dict[str, Any] | None  # the resource policy at the qualifier that was named
    share: Share
    splits_traffic: bool = False  # the alias that was named chooses anew for each invocation
    dead_letter: str = ""
    event_invoke: dict[str, Any] = field(default_factory=dict[str, Any])
    tags: dict[str, str] = field(default_factory=dict[str, str])  # as condition keys
    recursive_loop: str = "Terminate"
    tracing: str = "PassThrough"
    durable: dict[str, Any] | None = None  # its DurableConfig
    isolated: bool = False  # each tenant has instances of its own
    sleeper: dict[str, Any] | None = None  # its configuration, when it can become inactive
    sealed: dict[str, Any] | None = None  # its configuration, when its environment is encrypted under a key of KMS
    opened: list[FunctionSpec] = field(default_factory=list[FunctionSpec])  # the spec with that decrypted, once it was needed


class Runnables:
    def __init__(self, node: Node, packages: Packages) -> None:
        self._node = node
        self._packages = packages
        self._entries: dict[FunctionRef, tuple[Runnable, float]] = {}
        self._changes = 0
        self._stop = node.store.subscribe(state.CHANGED, self.forget)

    def cached(self, ref: FunctionRef) -> Runnable | None:
        entry = self._entries.get(ref)
        return entry[0] if entry is not None and entry[1] > time.monotonic() else None

    async def get(self, ref: FunctionRef) -> Runnable:
        """Raises ResourceNotFoundException."""
        found = self.cached(ref)
        if found is not None:
            return found
        changes = self._changes
        found = await self._node.store.read(lambda tx: self.load(tx, ref))
        for sha256, blob in found.packages:
            await self._packages.unpacked(sha256, blob)
        if changes == self._changes and not found.splits_traffic:
            self._entries[ref] = (found, time.monotonic() + MAX_AGE_S)
        return found

    def load(self, tx: Tx, ref: FunctionRef) -> Runnable:
        function, version = state.resolve(tx, ref, random.random())
        version = capacity.invocable(tx, ref, version)
        config = version["configuration"]
        sha256s: list[str] = [version["code"], *version["layers"]]
        alias = state.alias(tx, ref, ref.qualifier) if ref.qualifier and ref.qualifier != LATEST and not ref.qualifier.isdecimal() else None
        spec = _spec(ref, config, version["generation"], [self._packages.directory(sha256) for sha256 in sha256s])
        return Runnable(
            ref=ref,
            spec=spec,
            role=config["Role"],
            packages=tuple((sha256, state.package_blob(tx, sha256) or "") for sha256 in sha256s),
            policy=policy_document(function, ref.qualifier),
            share=_share(tx, ref, spec, function, capacity.room(tx, ref, version)),
            splits_traffic=bool(alias and alias.get("RoutingConfig", {}).get("AdditionalVersionWeights")),
            dead_letter=config.get("DeadLetterConfig", {}).get("TargetArn", ""),
            event_invoke=function["event_invoke"].get(ref.qualifier or LATEST, {}),
            tags={f"aws:ResourceTag/{key}": value for key, value in function["tags"].items()},
            recursive_loop=function.get("recursive_loop", "Terminate"),
            tracing=config["TracingConfig"]["Mode"],
            durable=config.get("DurableConfig"),
            isolated="TenancyConfig" in config,
            sleeper=config if idleness.sleeps(config) else None,
            sealed=config if environments.is_sealed(config) else None,
        )

    def forget(self) -> None:
        self._changes += 1
        self._entries.clear()

    def close(self) -> None:
        self._stop()


def policy_document(function: dict[str, Any], qualifier: str | None) -> dict[str, Any] | None:
    """The resource policy of the function at this qualifier, as GetPolicy shows it."""
    key = "" if qualifier in (None, LATEST) else qualifier
    policy = function["policies"].get(key)
    if not policy or not policy["statements"]:
        return None
    return {"Version": "2012-10-17", "Id": policy.get("id", "default"), "Statement": policy["statements"]}


def _share(tx: Tx, ref: FunctionRef, spec: FunctionSpec, function: dict[str, Any], managed: int | None) -> Share:
    """What the version that is about to run may use.  Alias and version share the instances of the version."""
    if managed is not None:
        return Share(spec.key, managed=managed)
    reserved: int | None = function["reserved"]
    own = provisioned.by_version(tx, ref)
    return Share(
        key=spec.key,
        reserved=reserved,
        provisioned=own.get(spec.version, 0),
        provisioned_in_all=sum(own.values()),
        kept_from_all=0 if reserved is not None else provisioned.kept_from_all(tx, ref.account, ref.region),
    )


def instances_key(ref: FunctionRef, version: str = "", generation: str = "") -> str:
    """How keys of instances begin: all of a function, of one version, of one generation."""
    key = f"{ref.arn}|"
    return f"{key}{version}|{generation}" if version else key


def _spec(ref: FunctionRef, config: dict[str, Any], generation: str, directories: list[Path]) -> FunctionSpec:
    logging = config["LoggingConfig"]
    return FunctionSpec(
        key=instances_key(ref, config["Version"], generation),
        arn=ref.qualified_arn,
        name=ref.name,
        version=config["Version"],
        account=ref.account,
        region=ref.region,
        runtime=config["Runtime"],
        handler=config.get("Handler", ""),
        code=directories[0],
        layers=tuple(directories[1:]),
        environment=config.get("Environment", {}).get("Variables", {}),
        memory_mb=config["MemorySize"],
        timeout_s=config["Timeout"],
        tmp_mb=config["EphemeralStorage"]["Size"],
        log_group=logging["LogGroup"],
        architecture=config["Architectures"][0],
        warnings=(*layers.left_out(config), *configuration.left_out(config)),
        log_format=logging.get("LogFormat", "Text"),
        application_log_level=logging.get("ApplicationLogLevel", ""),
        system_log_level=logging.get("SystemLogLevel", ""),
        snap_start=config["SnapStart"]["OptimizationStatus"] == "On",
    )
