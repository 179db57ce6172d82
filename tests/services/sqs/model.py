"""A small model of a queue: a list of messages, looked at from the start each time."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Letter:
    """A message: `number` tells it from all others, and says how early it was sent."""

    number: int
    group: str
    visible_ms: int
    sent_ms: int
    receives: int = 0

    def place(self) -> tuple[int, int, int, int]:
        return (self.visible_ms, self.sent_ms, self.receives, self.number)


@dataclass
class Model:
    is_fifo: bool
    max_receives: int  # 0: no dead letter queue
    letters: list[Letter] = field(default_factory=list[Letter])
    dead: list[int] = field(default_factory=list[int])
    sent: set[int] = field(default_factory=set[int])

    def send(self, number: int, group: str, now_ms: int, delay_ms: int) -> None:
        self.letters.append(Letter(number, group, now_ms + delay_ms, now_ms))

    def receive(self, count: int, now_ms: int, hidden_ms: int) -> list[int]:
        taken: list[int] = []
        for letter in self._candidates(now_ms) if self.is_fifo else sorted(self.letters, key=Letter.place):
            if len(taken) == count:
                break
            if letter.visible_ms <= now_ms:
                self._take(letter, now_ms, hidden_ms, taken)
        return taken

    def _candidates(self, now_ms: int) -> list[Letter]:
        """Group by group, each up to its first hidden message; the group first whose turn it has been for longest."""
        groups: dict[str, list[Letter]] = {}
        for letter in self.letters:
            groups.setdefault(letter.group, []).append(letter)
        found: list[Letter] = []
        for _, group in sorted(groups.items(), key=lambda item: (item[1][0].visible_ms, item[0])):
            for letter in group:
                if letter.visible_ms > now_ms:
                    break
                found.append(letter)
        return found

    def _take(self, letter: Letter, now_ms: int, hidden_ms: int, taken: list[int]) -> None:
        letter.receives += 1
        if self.max_receives and letter.receives > self.max_receives:
            self.letters.remove(letter)
            self.dead.append(letter.number)
            return
        letter.visible_ms = now_ms + hidden_ms
        taken.append(letter.number)

    def find(self, number: int) -> Letter | None:
        return next((letter for letter in self.letters if letter.number == number), None)

    def delete(self, number: int, receives: int, now_ms: int) -> bool:
        """False where the handle has expired."""
        letter = self.find(number)
        if letter is None:
            return True
        if self.is_fifo and (letter.receives != receives or letter.visible_ms <= now_ms):
            return False
        self.letters.remove(letter)
        return True

    def change(self, number: int, receives: int, now_ms: int, hidden_ms: int) -> bool:
        letter = self.find(number)
        if letter is None or (self.is_fifo and (letter.receives != receives or letter.visible_ms <= now_ms)):
            return False
        letter.visible_ms = now_ms + hidden_ms
        return True

    def counts(self, now_ms: int) -> tuple[int, int, int]:
        visible = sum(letter.visible_ms <= now_ms for letter in self.letters)
        in_flight = sum(letter.visible_ms > now_ms and letter.receives > 0 for letter in self.letters)
        return visible, in_flight, len(self.letters) - visible - in_flight
