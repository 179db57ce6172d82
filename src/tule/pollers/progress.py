"""How far the reading of one shard has come, when its lanes come along at different speeds.

Records are noted in the order in which they are read, and ticked off in any order.  The checkpoint stands before the first one that is
not ticked off; what a lane did beyond it is kept, too, so that after a restart nothing is done twice that was done.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Any

from tule.pollers.checkpoints import Checkpoint
from tule.pollers.contract import Record


class Progress:
    def __init__(self, checkpoint: Checkpoint, lanes: int) -> None:
        self.sequence = checkpoint.sequence
        self._lanes = lanes
        self._open: OrderedDict[str, bool] = OrderedDict()  # sequence numbers that were read: whether they are dealt with
        same = checkpoint.body.get("lanes") == lanes
        self._ahead: dict[int, int] = {int(lane): int(done) for lane, done in checkpoint.body.get("ahead", {}).items()} if same else {}
        self.windows: dict[int, Any] = {int(lane): window for lane, window in checkpoint.body.get("windows", {}).items()} if same else {}

    @property
    def read_to(self) -> str:
        """The last record that was read."""
        return next(reversed(self._open)) if self._open else self.sequence

    @property
    def is_settled(self) -> bool:
        """Whether all that was read is dealt with."""
        return not self._open

    def note(self, record: Record, lane: int) -> bool:
        """A record was read; False when it need not be handled (again)."""
        needed = record.wanted and int(record.id) > self._ahead.get(lane, -1)
        self._open[record.id] = not needed
        self._advance()
        return needed

    def tick_off(self, lane: int, records: Iterable[Record]) -> None:
        """These, the next ones of their lane, are dealt with."""
        for record in records:
            self._open[record.id] = True
            self._ahead[lane] = int(record.id)
        self._advance()

    def _advance(self) -> None:
        while self._open and next(iter(self._open.values())):
            self.sequence, _ = self._open.popitem(last=False)

    def checkpoint(self, *, is_done: bool = False) -> Checkpoint:
        body: dict[str, Any] = {"lanes": self._lanes}
        at = int(self.sequence or -1)
        ahead = {str(lane): str(done) for lane, done in self._ahead.items() if done > at}
        if ahead:
            body["ahead"] = ahead
        windows = {str(lane): window for lane, window in self.windows.items() if window is not None}
        if windows:
            body["windows"] = windows
        return Checkpoint(self.sequence, is_done, body)
