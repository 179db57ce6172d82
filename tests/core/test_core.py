"""Clock, ids, ARNs, paging tokens, tags and configuration."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tule.core import arn, config, paging, tags
from tule.core.clock import TurnableClock, iso8601
from tule.core.ids import Ids

json_values = st.recursive(st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(), lambda c: st.lists(c, max_size=3), max_leaves=6)


def test_a_frozen_clock_stands_still_until_it_is_moved():
    clock = TurnableClock()
    clock.freeze(1_000)
    assert clock.now_ms() == 1_000
    clock.move(3_600_000)
    assert (clock.now_ms(), clock.mode) == (3_601_000, "frozen")


async def test_a_sleeper_wakes_when_the_clock_jumps_over_its_time():
    clock = TurnableClock()
    clock.freeze(0)
    sleeper = asyncio.create_task(clock.sleep_until(10_000))
    await asyncio.sleep(0)
    clock.move(9_999)
    await asyncio.sleep(0)
    assert not sleeper.done()
    clock.move(1)
    await asyncio.wait_for(sleeper, 5)


async def test_a_sleeper_that_is_cancelled_while_the_clock_moves_ends() -> None:
    clock = TurnableClock()
    sleeper = asyncio.create_task(clock.sleep_until(clock.now_ms() + 3_600_000))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    clock.move(1)
    sleeper.cancel()
    done, _ = await asyncio.wait([sleeper], timeout=5)
    assert sleeper in done and sleeper.cancelled()


def test_a_clock_never_goes_back():
    with pytest.raises(ValueError, match="never goes back"):
        TurnableClock().move(-1)


def test_listeners_hear_of_every_turn():
    clock, heard = TurnableClock(), []
    clock.on_change(lambda: heard.append(clock.mode))
    clock.freeze()
    clock.accelerate(60)
    clock.follow_wall()
    assert heard == ["frozen", "accelerated", "real"]


def test_times_are_written_as_aws_writes_them():
    assert iso8601(1_714_564_800_007) == "2024-05-01T12:00:00.007Z"


def test_seeded_ids_repeat_and_others_do_not():
    assert Ids(seed=7).uuid() == Ids(seed=7).uuid()
    assert Ids().uuid() != Ids().uuid()
    assert Ids(seed=1).uuid()[14] == "4"
    assert len(Ids().unique_id("AROA")) == 21
    assert len(Ids().unique_id("AKIA")) == 20


def test_an_arn_is_taken_apart_and_put_together():
    parsed = arn.parse("arn:aws:lambda:us-east-1:111122223333:function:name:alias")
    assert (parsed.service, parsed.account, parsed.resource_type, parsed.resource_id) == ("lambda", "111122223333", "function", "name:alias")
    assert str(parsed) == "arn:aws:lambda:us-east-1:111122223333:function:name:alias"
    assert arn.arn("s3", "cn-north-1", "1", "x").startswith("arn:aws-cn:")


@pytest.mark.parametrize("text", ["", "arn:aws", "arn:aws:s3:::", "not:aws:s3:::b"])
def test_what_is_no_arn_is_refused(text: str):
    with pytest.raises(ValueError):
        arn.parse(text)


@given(scope=st.text(), position=json_values)
def test_a_token_brings_back_its_position_and_only_in_its_scope(scope: str, position: object):
    pager = paging.Pager(b"secret")
    token = pager.token(scope, position)
    assert pager.position(scope, token) == position
    with pytest.raises(paging.InvalidToken):
        pager.position(scope + "x", token)


@given(st.text(max_size=80))
def test_an_invented_token_is_refused(text: str):
    with pytest.raises(paging.InvalidToken):
        paging.Pager(b"secret").position("scope", text)


def test_a_token_of_another_installation_is_refused():
    token = paging.Pager(b"one").token("s", [1])
    with pytest.raises(paging.InvalidToken):
        paging.Pager(b"two").position("s", token)


def test_a_page_knows_whether_more_follows():
    assert paging.page([1, 2, 3], 2, str) == ([1, 2], "2")
    assert paging.page([1, 2], 2, str) == ([1, 2], None)
    assert paging.page([], 2, str) == ([], None)


def test_tags_change_their_form_and_are_checked():
    assert tags.to_list(tags.to_map([{"Key": "a", "Value": "b"}, {"Key": "c"}])) == [{"Key": "a", "Value": "b"}, {"Key": "c", "Value": ""}]
    assert tags.violation({"a": "b"}) is None
    assert "aws:" in (tags.violation({"AWS:x": ""}) or "")
    assert "more than 50" in (tags.violation({str(i): "" for i in range(51)}) or "")


def test_flags_win_over_the_environment_and_that_over_the_file(tmp_path: Path):
    file = tmp_path / "tule.toml"
    file.write_text('port = 1\nregion = "eu-west-1"\nephemeral = true\n')
    loaded = config.load({"port": 3, "host": None}, {"TULE_PORT": "2", "TULE_ACCOUNT": "111122223333"}, file)
    assert (loaded.port, loaded.region, loaded.account, loaded.ephemeral) == (3, "eu-west-1", "111122223333", True)


@pytest.mark.parametrize(("environment", "named"), [({"TULE_PORT": "many"}, "TULE_PORT"), ({"TULE_STRICT": "perhaps"}, "TULE_STRICT")])
def test_a_value_that_cannot_be_used_is_refused_by_name(environment: dict[str, str], named: str, tmp_path: Path):
    with pytest.raises(config.ConfigError, match=named):
        config.load({}, environment, tmp_path / "none")


def test_an_unknown_setting_in_the_file_is_refused(tmp_path: Path):
    file = tmp_path / "tule.toml"
    file.write_text("colour = 1\n")
    with pytest.raises(config.ConfigError, match="colour"):
        config.load({}, {}, file)
