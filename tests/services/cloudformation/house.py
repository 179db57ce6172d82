"""A house with nothing but CloudFormation and things that are easy to look at: for tests of the engine alone.

`Things` are a made-up service whose resources are rows of a dictionary; they can be told to fail, and to wait.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from tule.access.principal import Principal, root
from tule.backbone import jobs as job_table
from tule.backbone.worker import Jobs
from tule.core.clock import TurnableClock
from tule.core.config import Config
from tule.core.errors import ServiceError
from tule.core.ids import Ids
from tule.core.paging import Pager
from tule.platform.call import Call
from tule.platform.resource_type import Properties, Resource, StackContext
from tule.platform.service import Service
from tule.services import cloudformation
from tule.store import documents
from tule.store.open import open_store

ACCOUNT = "111122223333"
REGION = "us-east-1"
ENDED = ("_COMPLETE", "_FAILED")


class Things:
    """What exists.  `create_fails`, `update_fails`, `delete_fails` are names whose turn it is to fail."""

    def __init__(self) -> None:
        self.there: dict[str, Properties] = {}
        self.log: list[str] = []
        self.on_log: Callable[[str], None] = lambda line: None
        self.create_fails: set[str] = set()
        self.update_fails: set[str] = set()
        self.delete_fails: set[str] = set()
        self.update_once_fails: set[str] = set()  # whose next update fails, and no other
        self.before_create: dict[str, asyncio.Event] = {}
        self.before_update: dict[str, asyncio.Event] = {}

        self._noted = asyncio.Event()

    def note(self, line: str) -> None:
        self.log.append(line)
        self.on_log(line)
        self._noted.set()

    async def said(self, *lines: str) -> None:
        """Wait until the log has all of `lines`."""
        while not set(lines) <= set(self.log):
            self._noted.clear()
            await asyncio.wait_for(self._noted.wait(), 20)


class ThingType:
    """A type under a real type's name, so that its schema holds."""

    def __init__(self, things: Things, name: str, name_property: str, replace_on: frozenset[str]) -> None:
        self.things = things
        self.name = name
        self.name_property = name_property
        self.replace_on = replace_on

    async def exists(self, stack: StackContext, properties: Properties) -> bool:
        return properties[self.name_property] in self.things.there

    async def create(self, stack: StackContext, properties: Properties) -> Resource:
        physical_id = properties.get(self.name_property) or stack.generated_name()
        self.things.note(f"create {stack.logical_id}")
        if stack.logical_id in self.things.before_create:
            await self.things.before_create[stack.logical_id].wait()
        if stack.logical_id in self.things.create_fails:
            raise ServiceError("InvalidParameterValue", "It cannot be.", 400)
        if physical_id in self.things.there:
            raise ServiceError("ResourceAlreadyExistsException", f"{physical_id} is there already", 409)
        self.things.there[physical_id] = dict(properties)
        return self._resource(physical_id)

    async def update(self, stack: StackContext, physical_id: str, old: Properties, new: Properties) -> Resource:
        fails = stack.logical_id in self.things.update_fails | self.things.update_once_fails
        self.things.update_once_fails = self.things.update_once_fails - {stack.logical_id}
        self.things.note(f"update {stack.logical_id}")
        if stack.logical_id in self.things.before_update:
            await self.things.before_update[stack.logical_id].wait()
        if fails:
            raise ServiceError("InvalidParameterValue", "It cannot be changed.", 400)
        self.things.there[physical_id] = dict(new)
        return self._resource(physical_id)

    async def delete(self, stack: StackContext, physical_id: str, properties: Properties) -> None:
        self.things.note(f"delete {stack.logical_id}")
        if stack.logical_id in self.things.delete_fails:
            raise ServiceError("DependencyViolation", "It is in use.", 400)
        self.things.there.pop(physical_id, None)

    def _resource(self, physical_id: str) -> Resource:
        arn = f"arn:aws:iam::{ACCOUNT}:role/{physical_id}" if self.name == "AWS::IAM::Role" else f"arn:aws:thing:::{physical_id}"
        return Resource(physical_id, {"Arn": arn, "TopicName": physical_id})


class House:
    """`await house.call("CreateStack", ...)` runs an operation; `await house.ended(name)` waits for the stack to come to rest."""

    def __init__(self, node: Any, things: Things) -> None:
        self.node = node
        self.things = things

    async def call(self, operation: str, **params: Any) -> dict[str, Any]:
        return await self.node.dispatcher.invoke("cloudformation", operation, params, principal=root(ACCOUNT), region=REGION)

    async def stack(self, name: str) -> dict[str, Any]:
        return (await self.call("DescribeStacks", StackName=name))["Stacks"][0]

    async def ended(self, name: str) -> dict[str, Any]:
        await asyncio.wait_for(self.node.jobs.settle(), 20)
        stack = await self.stack(name)
        assert stack["StackStatus"].endswith(ENDED), stack["StackStatus"]
        return stack

    async def events(self, name: str) -> list[tuple[str, str]]:
        """(logical id, status), the oldest first."""
        found = (await self.call("DescribeStackEvents", StackName=name))["StackEvents"]
        return [(event["LogicalResourceId"], event["ResourceStatus"]) for event in reversed(found)]


class _Dispatcher:
    def __init__(self, node: Any) -> None:
        self.node = node

    async def invoke(
        self, service: str, operation: str, params: Mapping[str, Any], *, principal: Principal, region: str, **rest: Any
    ) -> dict[str, Any]:
        found = self.node.services.get(service)
        if found is None or operation not in found.operations:
            raise ServiceError("NotImplemented", f"{service}.{operation} is not implemented by Tule yet.", 501)
        call = Call(self.node, self.node.ids.uuid(), self.node.clock.now_ms(), principal, principal.account, region, service, operation)
        run = found.operations[operation]
        if run.is_coroutine:
            return await run.run(call, dict(params))
        work = self.node.store.read if run.is_read else self.node.store.write
        return await work(lambda tx: run.run(call, tx, dict(params)))


def thing_types(things: Things) -> list[ThingType]:
    return [
        ThingType(things, "AWS::SNS::Topic", "TopicName", frozenset({"TopicName"})),
        ThingType(things, "AWS::SSM::Parameter", "Name", frozenset({"Name"})),
        ThingType(things, "AWS::S3::Bucket", "BucketName", frozenset({"BucketName"})),
        ThingType(things, "AWS::IAM::Role", "RoleName", frozenset({"RoleName"})),
        ThingType(things, "AWS::Lambda::Function", "FunctionName", frozenset({"FunctionName"})),
        ThingType(things, "AWS::Lambda::Permission", "Id", frozenset({"FunctionName"})),
    ]


async def build(directory: Path, things: Things | None = None, others: list[Service] | None = None, *, store: str = "", chaos: bool = False) -> House:
    """A house on a store (SQLite in `directory` unless it is told), its jobs running."""
    things = things or Things()
    config = Config(data=str(directory), store=store, chaos=chaos)
    clock, ids = TurnableClock(), Ids()
    directory.mkdir(parents=True, exist_ok=True)
    rows = await open_store(config, clock, ids)
    await rows.migrate("documents", documents.SCHEMA)
    await rows.migrate("jobs", job_table.SCHEMA)
    await rows.migrate("service:cloudformation", cloudformation.ROOM.schema)
    services = {"cloudformation": cloudformation.ROOM.load(), "things": Service("things", {}, resource_types=thing_types(things))}
    services |= {service.name: service for service in others or []}
    node: Any = SimpleNamespace(config=config, clock=clock, ids=ids, store=rows, pager=Pager(b"secret"), services=services, memory={})
    node.dispatcher = _Dispatcher(node)
    node.jobs = Jobs(rows, clock, ids, lambda delivery: cloudformation.ROOM.load().deliver(node, delivery))  # type: ignore[misc]
    await node.jobs.start()
    return House(node, things)


async def tear_down(house: House) -> None:
    await house.node.jobs.stop(grace_s=0)
    await house.node.store.close()
