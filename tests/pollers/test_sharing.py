"""What is to be read falls to exactly one of the nodes that are there, and little moves when one comes or goes."""

from __future__ import annotations

from pathlib import Path

from tests.postgres import fresh_database
from tests.stores import opened
from tule.backbone import leases
from tule.core.clock import TurnableClock
from tule.pollers.sharing import LEASE_MS, Sharing

UNITS = [f"unit {n}" for n in range(60)]


async def test_on_a_store_of_its_own_everything_is_a_node_s(tmp_path: Path) -> None:
    async with opened("sqlite", tmp_path) as store:
        assert all(Sharing(store, "x", lambda: None).is_mine(unit) for unit in UNITS)


async def test_nodes_agree_and_take_over_from_the_dead(tmp_path: Path) -> None:
    url, clock = fresh_database(), TurnableClock()
    clock.freeze()
    changes: list[int] = []
    async with opened("postgresql", tmp_path / "1", clock, url=url) as one, opened("postgresql", tmp_path / "2", clock, url=url) as two:
        await one.migrate("leases", leases.SCHEMA)
        first, second = Sharing(one, "x", lambda: changes.append(1)), Sharing(two, "x", lambda: changes.append(2))
        assert not any(first.is_mine(unit) for unit in UNITS)  # it does not know yet who is there
        await first.look()
        assert all(first.is_mine(unit) for unit in UNITS)
        await second.look()
        await first.look()
        shared = [(first.is_mine(unit), second.is_mine(unit)) for unit in UNITS]
        assert set(shared) == {(True, False), (False, True)}
        assert changes == [1, 2, 1]
        clock.move(LEASE_MS + 1)  # the first one says nothing any more
        await second.look()
        assert all(second.is_mine(unit) for unit in UNITS)
