"""Session tokens carry the whole session, and open only where they were sealed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tule.access.access_keys import account_of, new_access_key
from tule.access.principal import Principal
from tule.access.sessions import InvalidSessionToken, Sessions
from tule.core.ids import Ids

SESSIONS = Sessions(b"installation secret")
texts = st.text(max_size=20)
documents = st.dictionaries(texts, st.one_of(texts, st.lists(texts, max_size=3)), max_size=3)
principals = st.builds(
    Principal,
    kind=st.sampled_from(["root", "user", "role", "federated"]),
    account=st.integers(0, 10**12 - 1).map(lambda number: f"{number:012d}"),
    arn=texts,
    entity_arn=texts,
    user_id=texts,
    session_name=texts,
    session_policies=st.lists(documents, max_size=2).map(tuple),
    session_tags=st.lists(st.tuples(texts, texts), max_size=3).map(tuple),
    token_issued_ms=st.integers(0, 2**50),
    mfa=st.booleans(),
    context=documents,
)


@given(principals, st.integers(0, 2**50), st.integers(0, 2**32))
def test_what_is_sealed_is_what_opens(principal: Principal, expires_ms: int, seed: int) -> None:
    issued = SESSIONS.issue(Ids(seed), principal, expires_ms)
    opened = SESSIONS.open(issued.session_token)
    assert opened == issued
    assert opened.principal.context == principal.context
    assert account_of(issued.access_key) == principal.account


def _token() -> str:
    return SESSIONS.issue(Ids(0), Principal("user", "123456789012", "arn"), 1).session_token


@given(st.data())
def test_a_token_with_one_changed_character_does_not_open(data: st.DataObject) -> None:
    token = _token()
    at = data.draw(st.integers(0, len(token.rstrip("=")) - 3))
    other = data.draw(st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/").filter(lambda char: char != token[at]))
    with pytest.raises(InvalidSessionToken):
        SESSIONS.open(token[:at] + other + token[at + 1 :])


@given(st.text(max_size=200))
def test_any_other_text_does_not_open(text: str) -> None:
    with pytest.raises(InvalidSessionToken):
        SESSIONS.open(text)


def test_a_token_of_another_installation_does_not_open() -> None:
    with pytest.raises(InvalidSessionToken):
        Sessions(b"another secret").open(_token())


@given(st.integers(0, 10**12 - 1), st.integers(0, 2**32))
def test_access_keys_look_like_those_of_aws_and_tell_their_account(number: int, seed: int) -> None:
    key = new_access_key(Ids(seed), "AKIA", f"{number:012d}")
    assert len(key) == 20
    assert set(key) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
    assert account_of(key) == f"{number:012d}"


def test_the_account_is_where_aws_has_it() -> None:
    assert account_of("ASIAQNZGKIQY56JQ7WML") == "029608264753"  # published by the finder of the encoding
