"""A node in the test's own process, whose clock stands where the test says and whose functions write down their events."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.services.lambda_ import house as lambda_house
from tests.services.lambda_.house import ACCOUNT, REGION, House
from tests.services.scheduler.given import OFF, TRUST, allow

FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:fun"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/clock"


class SchedulerHouse(House):
    async def prepare(self) -> None:
        """A function, and a role for schedules that may do everything."""
        await self.function(logs=False)
        await self.call("iam", "CreateRole", RoleName="clock", AssumeRolePolicyDocument=json.dumps(TRUST))
        await self.call("iam", "PutRolePolicy", RoleName="clock", PolicyName="p", PolicyDocument=allow("*"))

    async def schedule(self, expression: str, name: str = "s", *, target: dict[str, Any] | None = None, **settings: Any) -> str:
        given: dict[str, Any] = {"Name": name, "ScheduleExpression": expression, "FlexibleTimeWindow": OFF} | settings
        wanted = {"Arn": FUNCTION, "RoleArn": ROLE, **(target or {})}
        return (await self.call("scheduler", "CreateSchedule", Target=wanted, **given))["ScheduleArn"]

    async def names(self) -> list[str]:
        return [found["Name"] for found in (await self.call("scheduler", "ListSchedules"))["Schedules"]]

    @property
    def events(self) -> list[Any]:
        return [run.payload for run in self.compute.runs]

    @property
    def times(self) -> list[str]:
        """When the runs were, by the events that they carry."""
        return [event["time"] for event in self.events]

    async def pass_time(self, **span: float) -> None:
        units = {"days": 86_400, "hours": 3_600, "minutes": 60, "seconds": 1}
        await self.advance(sum(units[unit] * count for unit, count in span.items()))


@asynccontextmanager
async def opened(data: Path, kind: str, at: datetime) -> AsyncGenerator[SchedulerHouse]:
    async with lambda_house.opened(data, kind) as running:
        running.node.clock.freeze(int(at.timestamp() * 1000))
        house = SchedulerHouse(running.app, running.compute)
        await house.prepare()
        yield house
