"""Whatever fails, is throttled, splits or is killed in between: no record is lost, and the order of each key holds."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from tests.pollers.stage import ScriptedReader, Stage, ids, staged
from tule.pollers.checkpoints import Checkpoint
from tule.pollers.contract import Batch, Failed, Handled, NotNow, Outcome, PartlyHandled

STEPS = 40
KEYS = [f"k{n}" for n in range(6)]


class Chaos:
    """A reader that fails at random, and what it was acknowledged to have done."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self.calm = False
        self.done: list[tuple[str, str]] = []  # key and id of each record, in the order in which they were handled

    def answer(self, batch: Batch) -> Outcome:
        roll = 1.0 if self.calm else self._chance.random()
        if roll < 0.2:
            return Failed()
        if roll < 0.3:
            return NotNow("throttled")
        if roll < 0.5:
            failed = self._chance.choice(batch.records)
            self._note(batch, until=failed.id)
            return PartlyHandled(frozenset({failed.id}))
        self._note(batch)
        return Handled()

    def _note(self, batch: Batch, until: str = "") -> None:
        for record in batch.records:
            if record.id == until:
                return
            self.done.append((record.key, record.id))


@pytest.mark.parametrize("seed", range(12))
async def test_every_record_is_handled_and_the_order_of_its_key_holds(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    settings: dict[str, Any] = {"batch_size": chance.randint(1, 7), "lanes": chance.choice((1, 3)), "bisect": chance.random() < 0.5}
    async with staged("sqlite", tmp_path) as stage:
        chaos = Chaos(chance)
        put: dict[str, list[str]] = {key: [] for key in KEYS}
        leaf = "s0"
        stage.start(ScriptedReader(chaos.answer), **settings)
        for _ in range(STEPS):
            match chance.choice(("put", "put", "put", "advance", "crash", "split")):
                case "put":
                    keys = chance.choices(KEYS, k=chance.randint(1, 8))
                    for key, id in zip(keys, await stage.stream.put(*keys, shard=leaf), strict=True):
                        put[key].append(id)
                case "advance":
                    await stage.advance(chance.random() * 5)
                case "crash":
                    await stage.crash()
                    stage.start(ScriptedReader(chaos.answer), **settings)
                case _:
                    following = f"s{len(stage.stream.shards_)}"
                    await stage.stream.close(leaf, following)
                    leaf = following
        chaos.calm = True
        await stage.advance(600)
        for key, expected in put.items():
            handled = [id for done, id in chaos.done if done == key]
            assert first_times(handled) == expected
        assert (await stage.checkpoints()).get(leaf, Checkpoint()).sequence == last(stage, leaf)


def first_times(handled: list[str]) -> list[str]:
    """In which order they were handled first; what was handled again is left out."""
    return list(dict.fromkeys(handled))


def last(stage: Stage, shard: str) -> str:
    records = stage.stream.shards_[shard].records
    return ids(records)[-1] if records else ""
