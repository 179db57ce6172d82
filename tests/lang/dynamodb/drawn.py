"""What tests draw: values, items, paths."""

from __future__ import annotations

import base64
from typing import Any

from hypothesis import strategies as st

NAMES = ("a", "b", "c", "d")

_texts = st.text("abc é", max_size=3)
_numbers = st.one_of(st.integers(-20, 20).map(str), st.sampled_from(["1e2", "0.5", "-0", "1.50", "+3"]))
_binaries = st.binary(max_size=3).map(lambda data: base64.b64encode(data).decode())


def scalars() -> st.SearchStrategy[dict[str, Any]]:
    return st.one_of(
        _texts.map(lambda text: {"S": text}),
        _numbers.map(lambda text: {"N": text}),
        _binaries.map(lambda text: {"B": text}),
        st.booleans().map(lambda yes: {"BOOL": yes}),
        st.just({"NULL": True}),
        st.lists(_texts, min_size=1, max_size=3, unique=True).map(lambda texts: {"SS": texts}),
        st.lists(st.integers(-5, 5).map(str), min_size=1, max_size=3, unique=True).map(lambda texts: {"NS": texts}),
    )


def values() -> st.SearchStrategy[dict[str, Any]]:
    return st.recursive(
        scalars(),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3).map(lambda elements: {"L": elements}),
            st.dictionaries(st.sampled_from(NAMES), inner, max_size=3).map(lambda members: {"M": members}),
        ),
        max_leaves=6,
    )


def items() -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(st.sampled_from(NAMES), values(), max_size=4)


@st.composite
def paths(draw: st.DrawFn) -> tuple[str | int, ...]:
    first = draw(st.sampled_from(NAMES))
    rest = draw(st.lists(st.one_of(st.sampled_from(NAMES), st.integers(0, 3)), max_size=2))
    return (first, *rest)


def written(path: tuple[str | int, ...]) -> str:
    """The path as an expression has it."""
    text = str(path[0])
    for step in path[1:]:
        text += f"[{step}]" if isinstance(step, int) else f".{step}"
    return text
