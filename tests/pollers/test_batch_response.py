"""What counts as a partial failure, as a success, and as a failure of the whole batch."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tule.pollers.batch_response import InvalidResponse, failed_items

IDS = {"a", "b", "c"}


@pytest.mark.parametrize("answer", [b"", b"null", b"{}", b'""', b"[]", b'{"batchItemFailures": null}', b'{"batchItemFailures": []}', b'{"x": 1}'])
def test_an_answer_that_names_nothing_is_a_success(answer: bytes) -> None:
    assert failed_items(answer, IDS) == frozenset()


def test_items_are_named_by_their_ids() -> None:
    answer = {"batchItemFailures": [{"itemIdentifier": "a"}, {"itemIdentifier": "c"}]}
    assert failed_items(json.dumps(answer).encode(), IDS) == {"a", "c"}


@pytest.mark.parametrize(
    "items",
    [
        [{"itemIdentifier": ""}],
        [{"itemIdentifier": None}],
        [{"itemIdentifier": "z"}],
        [{"wrong": "a"}],
        ["a"],
        [{"itemIdentifier": "a"}, {}],
        "a",
        {"itemIdentifier": "a"},
    ],
)
def test_items_that_cannot_be_made_out_fail_the_batch(items: Any) -> None:
    with pytest.raises(InvalidResponse):
        failed_items(json.dumps({"batchItemFailures": items}).encode(), IDS)


@pytest.mark.parametrize("answer", [b"{", b'"failed"', b"[1]", b"7", b"true"])
def test_an_answer_of_another_kind_fails_the_batch(answer: bytes) -> None:
    with pytest.raises(InvalidResponse):
        failed_items(answer, IDS)
