"""Lines and records out of one pipe, however the bytes arrive."""

from __future__ import annotations

import asyncio
import itertools
import os

from hypothesis import given, settings
from hypothesis import strategies as st

from tule.compute import log_pipe
from tule.compute.inside.python_logging import LogSink
from tule.compute.log_pipe import LogPipe

LINE = st.text(st.characters(codec="utf-8", exclude_characters="\n", exclude_categories=("Cs",)), max_size=20).map(lambda text: text + "\n")


def collected(pieces: list[bytes]) -> list[str]:
    async def collect() -> list[str]:
        pipe = LogPipe(asyncio.get_running_loop(), lambda: 7)
        for piece in pieces:
            os.write(pipe.write_end, piece)
            pipe._read()  # as the loop does when the pipe is readable
        pipe.close_write_end()
        pipe.close()
        return [line.text for line in pipe.take()]

    return asyncio.run(collect())


@settings(max_examples=60, deadline=None)
@given(lines=st.lists(LINE, max_size=8), cuts=st.lists(st.integers(0, 200), max_size=5))
def test_lines_are_whole_wherever_the_bytes_are_cut(lines: list[str], cuts: list[int]) -> None:
    raw = "".join(lines).encode()
    edges = sorted({0, len(raw), *(cut for cut in cuts if cut < len(raw))})
    assert collected([raw[start:end] for start, end in itertools.pairwise(edges)]) == lines


def test_a_record_is_one_entry_and_keeps_its_place_between_lines() -> None:
    readable, writable = os.pipe()
    LogSink(writable).log("first\nsecond\n")
    record = os.read(readable, 1000)
    os.close(readable)
    os.close(writable)
    assert collected([b"before\n", record[:5], record[5:], b"after\n"]) == ["before\n", "first\nsecond\n", "after\n"]


def test_an_unfinished_line_is_told_at_the_end() -> None:
    assert collected([b"no newline"]) == ["no newline"]


def test_what_is_not_utf8_is_replaced() -> None:
    assert collected([b"\xff\xfe\n"]) == ["\ufffd\ufffd\n"]


def test_a_line_is_no_longer_than_a_log_event() -> None:
    parts = collected([b"x" * 60_000] * 5 + [b"\n"])
    assert [len(part) for part in parts] == [log_pipe.MAX_LINE, 300_001 - log_pipe.MAX_LINE]


def test_a_record_that_lies_about_its_length_costs_no_memory() -> None:
    assert collected([b"\xa5\x5a\x00\x03\xff\xff\xff\xff" + b"x" * 10])[-1].endswith("x" * 10)
