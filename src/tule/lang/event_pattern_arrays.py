"""Whether values found in arrays of objects belong together.

A value in an array lies in one element of it, and so do the values beside it: a match may use values of several arrays, but
of each array only one element.  Fields are taken one after the other, each with all places that agree with a choice so far;
of a choice only what later fields can contradict is remembered, so that the work grows with the event and not with the
product of its arrays.
AWS: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns-arrays.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

Elements = tuple[tuple[int, int], ...]  # (array, index) of every array element around a value, outermost first
Choice = frozenset[tuple[int, int]]
_Tree = dict[int | None, Any]  # array -> index -> tree; None: a place ends here


class Places(NamedTuple):
    """Where a field's value is accepted, and, when it may also be absent, where it has any value."""

    accepted: set[Elements]
    any: Sequence[Elements] | None


def agree(fields: Sequence[Places]) -> bool:
    """Whether each field has a place, or is absent where it may be, without using two elements of one array."""
    later = _arrays_after(fields)
    choices: set[Choice] = {frozenset()}
    for (accepted, anywhere), remembered in zip(fields, later, strict=True):
        known = {array for choice in choices for array, _ in choice}
        tree = _tree(_only(elements, known | remembered) for elements in accepted)
        present = None if anywhere is None else _tree(anywhere)
        found: set[Choice] = set()
        for choice in choices:
            chosen = dict(choice)
            for elements in _agreeing(tree, chosen):
                found.add(frozenset(pair for pair in (*choice, *elements) if pair[0] in remembered))
            if present is not None and next(_agreeing(present, chosen), None) is None:
                found.add(frozenset(pair for pair in choice if pair[0] in remembered))
        if not found:
            return False
        choices = found
    return True


def _arrays_after(fields: Sequence[Places]) -> list[set[int]]:
    """For each field the arrays that fields after it lie in."""
    after: list[set[int]] = []
    seen: set[int] = set()
    for accepted, anywhere in reversed(fields):
        after.append(set(seen))
        seen.update(array for elements in (*accepted, *(anywhere or ())) for array, _ in elements)
    return after[::-1]


def _only(elements: Elements, arrays: set[int]) -> Elements:
    return tuple(pair for pair in elements if pair[0] in arrays)


def _tree(places: Iterable[Elements]) -> _Tree:
    tree: _Tree = {}
    for elements in places:
        node = tree
        for array, index in elements:
            node = node.setdefault(array, {}).setdefault(index, {})
        node[None] = True
    return tree


def _agreeing(tree: _Tree, chosen: dict[int, int]) -> Iterator[Elements]:
    """The places of the tree that use no other element of an array than the chosen one."""
    waiting: list[tuple[_Tree, Elements]] = [(tree, ())]
    while waiting:
        node, elements = waiting.pop()
        for array, indexes in node.items():
            if array is None:
                yield elements
            elif array in chosen:
                if chosen[array] in indexes:
                    waiting.append((indexes[chosen[array]], (*elements, (array, chosen[array]))))
            else:
                waiting.extend((inner, (*elements, (array, index))) for index, inner in indexes.items())
