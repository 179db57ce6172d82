"""Regular expressions without groups, searched in time that grows with the message and not beyond.

A backtracking search of `a*a*a*b` in a long message can take hours; these expressions come from clients and run on the event
loop.  Without groups an expression is a choice of sequences of characters and repetitions, so all ways through it can be
followed at once: a set of positions as the bits of a number, moved by each character.

What cannot explode (no unbounded repetition, or a short message) is left to `re`, which is faster.
AWS: CloudWatch Logs user guide, supported regular expression syntax.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

MAX_POSITIONS = 2_000
CHEAP = 1_000_000  # steps that a backtracking search may take at worst

_ATOM = r"\[\^?\]?(?:[^\]\\]|\\.)*\]|\\x[0-9a-fA-F]{2}|\\.|[^\\\[\]*+?{}|^$]|\{(?!\d+(?:,\d*)?\})|\}|\]"
_ITEM = re.compile(rf"(?P<anchor>[\^$])|(?P<atom>{_ATOM})(?P<times>[*+?]|\{{\d+(?:,\d*)?\}})?|(?P<choice>\|)", re.DOTALL)
_LETTER_ESCAPES = "dDsSwWxntrfv"
_ONCE, _MAYBE, _MANY = range(3)


class BadRegex(ValueError):
    """The expression cannot be read, or is too large."""


@dataclass(slots=True)
class _Sequence:
    """One alternative: atoms with how often each may come, and whether it is tied to the message's start and end."""

    atoms: list[re.Pattern[str]] = field(default_factory=list[re.Pattern[str]])
    maybe: int = 0  # bits of atoms that may be left out
    many: int = 0  # bits of atoms that may come again
    at_start: bool = False
    at_end: bool = False
    masks: dict[str, int] = field(default_factory=dict[str, int])

    def add(self, atom: re.Pattern[str], kind: int) -> None:
        bit = 1 << len(self.atoms)
        self.atoms.append(atom)
        if kind != _ONCE:
            self.maybe |= bit
        if kind == _MANY:
            self.many |= bit
        if len(self.atoms) > MAX_POSITIONS:
            raise BadRegex("the expression is too large")

    def found_in(self, text: str) -> bool:
        accept = 1 << len(self.atoms)
        start = self._skip(1)
        reached = start
        for char in text:
            if reached & accept and not self.at_end:
                return True
            held = reached & self._mask(char)
            reached = self._skip(((held & ~self.many) << 1) | (held & self.many))
            if not self.at_start:
                reached |= start
            elif not reached:
                return False
        return bool(reached & accept)

    def _skip(self, reached: int) -> int:
        while (further := reached | ((reached & self.maybe) << 1)) != reached:
            reached = further
        return reached

    def _mask(self, char: str) -> int:
        mask = self.masks.get(char)
        if mask is None:
            mask = sum(1 << i for i, atom in enumerate(self.atoms) if atom.fullmatch(char))
            self.masks[char] = mask
        return mask


class FlatRegex:
    """Raises BadRegex."""

    def __init__(self, text: str) -> None:
        self._sequences = _parse(text)
        self._unbounded = max(sequence.many.bit_count() for sequence in self._sequences)
        try:
            self._backtracking = re.compile(text)
        except re.error as error:
            raise BadRegex(text) from error

    def found_in(self, text: str) -> bool:
        if self._unbounded == 0 or len(text) ** (self._unbounded + 1) <= CHEAP:
            return self._backtracking.search(text) is not None
        return any(sequence.found_in(text) for sequence in self._sequences)


def _parse(text: str) -> list[_Sequence]:
    sequences = [_Sequence()]
    position = 0
    while position < len(text):
        match = _ITEM.match(text, position)
        if match is None:
            raise BadRegex(f"unexpected {text[position : position + 10]!r}")
        position = match.end()
        sequence = sequences[-1]
        if match["choice"]:
            sequences.append(_Sequence())
        elif match["anchor"]:
            _tie(sequence, match["anchor"], ends=position == len(text) or text[position] == "|")
        else:
            _repeat(sequence, _atom(match["atom"]), match["times"])
    return sequences


def _tie(sequence: _Sequence, anchor: str, *, ends: bool) -> None:
    if anchor == "^" and not sequence.atoms:
        sequence.at_start = True
    elif anchor == "$" and ends:
        sequence.at_end = True
    else:
        raise BadRegex(f"{anchor} stands in the middle")


def _atom(text: str) -> re.Pattern[str]:
    if text[0] == "\\" and text[1].isalpha() and text[1] not in _LETTER_ESCAPES:
        raise BadRegex(f"unsupported escape {text!r}")
    try:
        return re.compile(text)
    except re.error as error:
        raise BadRegex(text) from error


def _repeat(sequence: _Sequence, atom: re.Pattern[str], times: str | None) -> None:
    least, most = {None: (1, 1), "?": (0, 1), "*": (0, None), "+": (1, None)}.get(times) or _bounds(times or "")
    if least > MAX_POSITIONS or (most or 0) > MAX_POSITIONS:
        raise BadRegex("the expression is too large")
    for _ in range(least):
        sequence.add(atom, _ONCE)
    if most is None:
        sequence.add(atom, _MANY)
    else:
        for _ in range(most - least):
            sequence.add(atom, _MAYBE)


def _bounds(times: str) -> tuple[int, int | None]:
    least, comma, most = times[1:-1].partition(",")
    if not comma:
        return int(least), int(least)
    if most and int(most) < int(least):
        raise BadRegex(f"bad repetition {times!r}")
    return int(least), int(most) if most else None
