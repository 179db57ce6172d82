"""The sandbox level follows from what could be tried."""

from __future__ import annotations

from typing import Any

import pytest

from tule.compute.probe import features, probe

ALL: dict[str, Any] = {
    "root": True,
    "linux": True,
    "rooted": "",
    "user": "",
    "inner_user": "",
    "no_new_privs": "",
    "seccomp": "",
    "landlock": 5,
    "pidfd": "",
    "overlay": "",
}


@pytest.mark.parametrize(
    ("missing", "level"),
    [
        ({}, 1),
        ({"root": False, "rooted": "not root"}, 2),
        ({"rooted": "Operation not permitted", "user": "Operation not permitted"}, 3),
        ({"root": False, "rooted": "not root", "user": "No space left on device"}, 3),
        ({"rooted": "Operation not permitted", "user": "Operation not permitted", "landlock": 0}, 4),
        ({"seccomp": "Invalid argument"}, 4),
        ({"pidfd": "Function not implemented"}, 3),
    ],
)
def test_the_level_is_the_best_that_works(missing: dict[str, Any], level: int) -> None:
    assert features(ALL | missing).level == level


def test_elsewhere_functions_are_plain_processes_and_it_is_said_why() -> None:
    found = features({"root": False, "linux": False, "landlock": 0})
    assert found.level == 4
    assert not any(value for name, value in found.inside().items() if name != "level")


def test_a_lower_level_can_be_asked_for() -> None:
    assert [features(ALL, best).level for best in (1, 3, 4)] == [1, 3, 4]


def test_reasons_are_told() -> None:
    found = features(ALL | {"root": False, "rooted": "not root", "overlay": "No such device"})
    assert found.reasons == {"rooted": "not root", "overlay": "No such device"}


def test_this_host_is_probed() -> None:
    assert probe().level in (1, 2, 3, 4)
