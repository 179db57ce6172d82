"""The linear search finds what Python's own search finds."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tule.lang import flat_regex
from tule.lang.flat_regex import BadRegex, FlatRegex

ATOMS = st.sampled_from(["a", "b", ".", "[ab]", "[^a]", r"\d", r"\.", "0"])
TIMES = st.sampled_from(["", "", "*", "+", "?", "{2}", "{1,}", "{0,2}"])
SEQUENCES = st.lists(st.tuples(ATOMS, TIMES).map("".join), min_size=1, max_size=5).map("".join)
EXPRESSIONS = st.tuples(st.sampled_from(["", "^"]), SEQUENCES, st.sampled_from(["", "$"])).map("".join)


@given(st.lists(EXPRESSIONS, min_size=1, max_size=3).map("|".join), st.text(alphabet="ab0.", max_size=12))
def test_following_all_ways_at_once_finds_what_backtracking_finds(expression: str, text: str) -> None:
    followed = any(sequence.found_in(text) for sequence in flat_regex._parse(expression))  # pyright: ignore[reportPrivateUsage]
    assert followed is (re.search(expression.replace("$", r"\Z"), text) is not None)


def test_an_expression_that_would_backtrack_for_hours_answers_at_once() -> None:
    assert not FlatRegex("a*a*a*a*a*a*a*a*b").found_in("a" * 20_000)
    assert FlatRegex("a*a*a*a*a*a*a*a*b").found_in("a" * 20_000 + "b")


@pytest.mark.parametrize("expression", ["*a", "a**", "[a", "a{3,1}", r"\bword", "a{9999}", "a^b"])
def test_what_the_language_does_not_have_is_refused(expression: str) -> None:
    with pytest.raises(BadRegex):
        FlatRegex(expression)
