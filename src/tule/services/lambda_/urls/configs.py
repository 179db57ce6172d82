"""The configurations of function URLs: one for a function, and one for each of its aliases.  AWS: Lambda API reference, FunctionUrlConfig."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import time
from typing import Any

from tule.platform.node import Node
from tule.services.lambda_ import state
from tule.services.lambda_.names import FunctionRef
from tule.services.lambda_.paths import URL_SITE, URLS
from tule.store.documents import Documents
from tule.store.store import Tx

CONFIGS = Documents("lambda.url")  # the members of FunctionUrlConfig, and `id`; found by its id, too
ID_CHARS = 32
MAX_AGE_S = 2.0

Config = dict[str, Any]


def new_id(tx: Tx) -> str:
    return tx.ids.alnum(ID_CHARS).lower()


def find(tx: Tx, ref: FunctionRef) -> Config | None:
    return CONFIGS.get(tx, ref.account, ref.region, _key(ref))


def put(tx: Tx, ref: FunctionRef, config: Config) -> None:
    CONFIGS.put(tx, ref.account, ref.region, _key(ref), config)
    CONFIGS.alias(tx, ref.account, ref.region, _key(ref), config["id"])
    tx.wake(state.CHANGED)


def delete(tx: Tx, ref: FunctionRef) -> bool:
    tx.wake(state.CHANGED)
    return CONFIGS.delete(tx, ref.account, ref.region, _key(ref))


def delete_all(tx: Tx, ref: FunctionRef) -> None:
    for config in of_function(tx, ref):
        delete(tx, ref._replace(qualifier=config["qualifier"]))


def of_function(tx: Tx, ref: FunctionRef) -> list[Config]:
    """That of the function itself first, then those of its aliases."""
    return [config for _, config in CONFIGS.page(tx, ref.account, ref.region, prefix=f"{ref.name}/")]


def by_id(tx: Tx, id: str) -> tuple[FunctionRef, Config] | None:
    found = CONFIGS.by_alias(tx, id)
    if found is None:
        return None
    account, region, key, config = found
    return FunctionRef(account, region, key.partition("/")[0], config["qualifier"]), config


def _key(ref: FunctionRef) -> str:
    return f"{ref.name}/{ref.qualifier or ''}"


def address(endpoint: str, region: str, id: str, *, below_localhost: bool = True) -> str:
    """The URL under which whoever asked at `endpoint` reaches the function.

    A client that calls AWS by its own names gets the name of AWS; one that calls an address, which has no names below it,
    gets a path on the same address.  `below_localhost`: the host resolves names such as `id.lambda-url.localhost`.
    """
    scheme, _, authority = endpoint.partition("://")
    host, port = _split(authority)
    if _is_address(host):
        return f"{endpoint}{URLS}{id}/"
    if host.endswith((".amazonaws.com", ".amazonaws.com.cn", ".on.aws")):
        return f"https://{id}.{URL_SITE}.{region}.on.aws/"
    for suffix in ("localhost.localstack.cloud", "tule.local"):
        if host == suffix or host.endswith("." + suffix):
            return f"{scheme}://{id}.{URL_SITE}.{region}.{suffix}{port}/"
    named = below_localhost and (host == "localhost" or host.endswith(".localhost"))
    return f"{scheme}://{id}.{URL_SITE}.{region}.localhost{port}/" if named else f"{endpoint}{URLS}{id}/"


def _split(authority: str) -> tuple[str, str]:
    """(host, `:port` or nothing)."""
    host, colon, port = authority.rpartition(":")
    return (host.strip("[]"), f":{port}") if colon and port.isdigit() else (authority.strip("[]"), "")


def _resolves_below_localhost() -> bool:
    """Most systems do; the C library alone does not."""
    try:
        socket.getaddrinfo(f"id.{URL_SITE}.localhost", None)
    except OSError:
        return False
    return True


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


class UrlConfigs:
    """Configurations by id, kept in memory until a hint says that some function changed, and never longer than a moment."""

    below_localhost = False

    def __init__(self, node: Node) -> None:
        self._node = node
        self._entries: dict[str, tuple[FunctionRef, Config, float]] = {}
        node.store.subscribe(state.CHANGED, self.forget)

    async def get(self, id: str) -> tuple[FunctionRef, Config] | None:
        entry = self._entries.get(id)
        if entry is not None and entry[2] > time.monotonic():
            return entry[0], entry[1]
        found = await self._node.store.read(lambda tx: by_id(tx, id))
        if found is not None:
            self._entries[id] = (*found, time.monotonic() + MAX_AGE_S)
        return found

    async def look(self) -> None:
        """Find out which names the host resolves."""
        self.below_localhost = await asyncio.to_thread(_resolves_below_localhost)

    def forget(self) -> None:
        self._entries.clear()
