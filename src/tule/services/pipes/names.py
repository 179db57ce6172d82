"""The names and ARNs of pipes."""

from __future__ import annotations

from dataclasses import dataclass

from tule.core import arn as arns
from tule.platform.call import Call

PIPES = "pipes.amazonaws.com"


@dataclass(slots=True, frozen=True)
class PipeRef:
    account: str
    region: str
    name: str

    @property
    def arn(self) -> str:
        return arns.arn("pipes", self.region, self.account, f"pipe/{self.name}")

    @property
    def session_name(self) -> str:
        """Of its role's sessions; STS takes none of a single character."""
        return self.name.ljust(2, "-")


def pipe_ref(call: Call, name: str) -> PipeRef:
    return PipeRef(call.account, call.region, name)


def of_arn(arn: str) -> PipeRef:
    parsed = arns.parse(arn)
    return PipeRef(parsed.account, parsed.region, parsed.resource_id)
