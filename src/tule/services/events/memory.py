"""What EventBridge keeps in memory for its node: compiled rules, policies of buses, tokens of connections, how fast destinations are called."""

from __future__ import annotations

from tule.platform.node import Node
from tule.services.events.bus_policies import BusPolicies
from tule.services.events.matching import Matcher
from tule.services.events.oauth import Tokens


class Rates:
    """A token bucket of one second for each API destination; on one node only."""

    def __init__(self) -> None:
        self._free_at_ms: dict[str, float] = {}

    def wait_ms(self, destination: str, per_second: int, now_ms: int) -> int:
        """0 takes a turn; else how long it is until there is one."""
        free_at_ms = max(self._free_at_ms.get(destination, 0.0), now_ms - 1000.0)
        if free_at_ms > now_ms:
            return int(free_at_ms - now_ms) + 1
        self._free_at_ms[destination] = free_at_ms + 1000.0 / per_second
        return 0


class Memory:
    def __init__(self, node: Node) -> None:
        self.matcher = Matcher(node.meter)
        self.policies = BusPolicies(node.store)
        self.tokens = Tokens(node)
        self.rates = Rates()

    def forget(self) -> None:
        self.matcher.forget()
        self.policies.forget()
        self.tokens.forget()


def memory(node: Node) -> Memory:
    """This node's."""
    found = node.memory.get("events")
    if found is None:
        found = node.memory["events"] = Memory(node)
    return found
