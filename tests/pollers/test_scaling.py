"""More batches at a time while messages keep coming, fewer when throttled, and never more than allowed."""

from __future__ import annotations

from tule.pollers.scaling import Scaling


def test_it_begins_with_five_and_grows_by_three_hundred_a_minute_while_there_is_more() -> None:
    scaling = Scaling(None)
    assert scaling.limit() == 5
    for second in range(61):
        scaling.busy(second * 1000)
    assert scaling.limit() == 305
    for second in range(61, 600):
        scaling.busy(second * 1000)
    assert scaling.limit() == 1_250


def test_when_there_is_nothing_more_it_begins_anew() -> None:
    scaling = Scaling(None)
    scaling.busy(0)
    scaling.busy(10_000)
    assert scaling.limit() == 55
    scaling.idle()
    assert scaling.limit() == 5
    scaling.busy(100_000)
    assert scaling.limit() == 5  # what lay between was no load


def test_a_maximum_is_kept() -> None:
    scaling = Scaling(2)
    for second in range(100):
        scaling.busy(second * 1000)
    assert scaling.limit() == 2


def test_throttling_halves_it_down_to_one() -> None:
    scaling = Scaling(None)
    limits: list[int] = []
    for _ in range(4):
        scaling.throttled()
        limits.append(scaling.limit())
    assert limits == [2, 1, 1, 1]


def test_provisioned_pollers_handle_ten_batches_each_and_grow_faster() -> None:
    scaling = Scaling(None, (2, 200))
    assert scaling.limit() == 20
    scaling.busy(0)
    scaling.busy(60_000)
    assert scaling.limit() == 1_020
    scaling.busy(600_000)
    assert scaling.limit() == 2_000
    scaling.idle()
    assert scaling.limit() == 20
