"""What a service declares about itself: its operations, state, background work, deliveries and resource types."""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar

from tule.access.need import Need

if TYPE_CHECKING:
    from tule.access.principal import Principal
    from tule.backbone.claims import Claim
    from tule.backbone.delivery import Delivery, Outcome
    from tule.core.errors import ServiceError
    from tule.platform.call import Call
    from tule.platform.node import Node
    from tule.platform.resource_type import ResourceType
    from tule.store.store import Tx
    from tule.wire.http import Request, Response

Params = dict[str, Any]
F = TypeVar("F", bound=Callable[..., Any])


Needs = Callable[["Call", "Tx", Params], Sequence[Need]]
Sent = Callable[["Node", "Claim", "Outcome", bool], None]  # the job, how the attempt went, whether the job died of it
Counted = Callable[["Call", Params, Mapping[str, Any] | None, "ServiceError | None", float], None]
Sink = Callable[["Node", str, str, "Principal", Mapping[str, Any]], Awaitable[dict[str, Any]]]  # node, ARN, text, caller, settings; the answer
RememberedNeeds = Callable[["Call", Params], Awaitable[Sequence[Need]]]


def reads(operation: F) -> F:
    """Mark a transactional operation that changes nothing: it runs as a read, without the writer.  What takes more than the
    transaction it may leave to a coroutine function, given instead of the answer and awaited once the call is allowed."""
    operation.__tule_reads__ = True  # type: ignore[attr-defined]
    return operation


@dataclass(slots=True, frozen=True)
class Operation:
    """An implemented operation: `run(call, tx, params)` for a transaction, `await run(call, params)` for a coroutine."""

    name: str
    run: Callable[..., Any]
    is_coroutine: bool
    is_read: bool


@dataclass(slots=True, frozen=True)
class Site:
    """What a site's host names: `abc.lambda-url.eu-west-1.on.aws` is the site `abc` of kind `lambda-url` in `eu-west-1`.

    `region` is empty when the host names none.
    """

    kind: str
    id: str
    region: str


@dataclass(slots=True, frozen=True)
class Service:
    """One AWS service.  `name` is botocore's (`lambda`, `s3`, `logs`, `iam`, `sts`, `cloudformation`).

    `operations`      from `operations_in(module, ...)`.
    `needs`           permissions by operation name where the generated table (`access/actions`) does not say enough:
                      resource ARNs, condition keys, resource policies.  Run in a read transaction before the operation.
    `remembered_needs` the same without a transaction, for a service that keeps in memory what its resources allow.
    `anonymous`       operations that callers without credentials may attempt (resource policies still decide).
    `deliver`         what happens when a job or an event reaches a target of this service.
    `start`           background work, started with the node: gets the Node, returns coroutines to run for its life.
    `resource_types`  its CloudFormation resource types.
    `reset`           forgets what it keeps in memory, at `POST /_tule/reset`.
    `pages`           HTTP outside the AWS protocols, by path prefix under `/_tule/` (a code download, a custom resource's
                      answer): the path itself must carry a token that cannot be guessed.  A prefix elsewhere is one that no
                      operation's path can have (SNS's certificates, with capitals where a bucket's name has none).
    `sites`           HTTP outside the AWS protocols, by host: `lambda-url` gets `<id>.lambda-url.<region>.on.aws` and the
                      like, as `handler(node, request, site)`.  It does its own authentication.
    `recorded`        operations whose answers were compared with recordings of AWS's; for docs/coverage.md.
    `sinks`           targets that are reached by no operation of the API, by the ARN's resource type (`api-destination`).
    `counted`         told on the event loop how each call ended, for metrics: the call, its parameters, the answer or None, the
                      error or None, and the seconds that it took to be allowed and done.
    `sent`            told on the event loop how each attempt at a job went whose `source_service` this is, for metrics.
    `preflight`       answers a browser's CORS preflight, or gives None when the request is not this service's.
    """

    name: str
    operations: Mapping[str, Operation]
    needs: Mapping[str, Needs] = field(default_factory=dict[str, Needs])
    remembered_needs: Mapping[str, RememberedNeeds] = field(default_factory=dict[str, RememberedNeeds])
    anonymous: frozenset[str] = frozenset()
    deliver: Callable[[Node, Delivery], Awaitable[Outcome]] | None = None
    start: Callable[[Node], Sequence[Awaitable[None]]] | None = None
    resource_types: Sequence[ResourceType] = ()
    reset: Callable[[Node], Awaitable[None]] | None = None
    pages: Mapping[str, Callable[[Node, Request], Awaitable[Response]]] = field(
        default_factory=dict[str, "Callable[[Node, Request], Awaitable[Response]]"]
    )
    sites: Mapping[str, Callable[[Node, Request, Site], Awaitable[Response]]] = field(
        default_factory=dict[str, "Callable[[Node, Request, Site], Awaitable[Response]]"]
    )
    recorded: frozenset[str] = frozenset()
    preflight: Callable[[Node, Request], Awaitable[Response | None]] | None = None
    sinks: Mapping[str, Sink] = field(default_factory=dict[str, "Sink"])
    counted: Counted | None = None
    sent: Sent | None = None


@dataclass(slots=True, frozen=True)
class Room:
    """What a node knows of a service before anybody asks for it, so that it starts without loading what it may never need.

    `load`   imports the service's modules; called once, perhaps from a thread.
    `schema`, `telemetry_schema`   SQL of its own tables, in the store and in the telemetry store.
    `pages`, `sites`   the prefixes and kinds of host that its Service serves; `preflights`: whether it answers a browser's CORS preflight.
    """

    name: str
    load: Callable[[], Service]
    schema: str = ""
    telemetry_schema: str = ""
    pages: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()
    preflights: bool = False


def operations_in(*modules: ModuleType) -> dict[str, Operation]:
    """The public functions of these modules whose first parameter is `call`, under the API's names.

    `create_role` is CreateRole, `put_object_acl` is PutObjectAcl; where snake_case loses capitals the function carries
    `@named("...")`.
    """
    found: dict[str, Operation] = {}
    for module in modules:
        for name, function in vars(module).items():
            if name.startswith("_") or not inspect.isfunction(function) or function.__module__ != module.__name__:
                continue
            if next(iter(inspect.signature(function).parameters), None) != "call":
                continue
            api_name = getattr(function, "__tule_name__", None) or _camel(name)
            if api_name in found:
                raise ValueError(f"two operations are named {api_name}")
            found[api_name] = Operation(api_name, function, inspect.iscoroutinefunction(function), getattr(function, "__tule_reads__", False))
    return found


def named(api_name: str) -> Callable[[F], F]:
    """Give an operation the API's name where capitals cannot be guessed (`ListMFADevices`)."""

    def mark(function: F) -> F:
        function.__tule_name__ = api_name  # type: ignore[attr-defined]
        return function

    return mark


def _camel(snake: str) -> str:
    return re.sub(r"(?:^|_)([a-z0-9])", lambda m: m.group(1).upper(), snake)
