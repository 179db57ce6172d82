"""Logs in JSON: the platform's lines and those of Python's logging, from the levels on that LoggingConfig names."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.compute.conftest import LEVELS
from tests.compute.functions import REQUEST_ID, Functions, texts
from tule.compute.compute import Invocation

pytestmark = pytest.mark.asyncio(loop_scope="module")

LOGS = """
import logging
log = logging.getLogger('mine')
def handler(event, context):
    log.debug('fine')
    log.info('hello %s', 'you', extra={'order': 7, 'odd': object})
    print('printed')
    try:
        1 / 0
    except ZeroDivisionError:
        log.exception({'what': 'division'})
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def functions(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Functions]:
    path = tmp_path_factory.mktemp("json-logs")
    path.chmod(0o755)
    made = Functions(path, LEVELS[0])
    yield made
    await made.compute.stop()


def documents(answer: Invocation) -> list[dict[str, Any]]:
    return [json.loads(text) for text in texts(answer) if text.startswith("{")]


def told(answer: Invocation) -> list[str]:
    return [document.get("type") or document["level"] for document in documents(answer)]


async def test_a_function_logs_in_json(functions: Functions) -> None:
    answer = await functions.run(LOGS, log_format="JSON")
    assert told(answer) == ["platform.initStart", "platform.start", "INFO", "ERROR", "platform.report"]
    assert "printed\n" in texts(answer), "what is printed is not touched"
    info, error = documents(answer)[2:4]
    assert info.pop("timestamp").endswith("Z")
    assert info.pop("odd") == "<class 'object'>"
    assert info == {"level": "INFO", "message": "hello you", "logger": "mine", "requestId": REQUEST_ID, "order": 7}
    assert (error["message"], error["errorType"], error["errorMessage"]) == ({"what": "division"}, "ZeroDivisionError", "division by zero")
    assert error["location"].startswith("/var/task/lambda_function.py:handler:")
    assert len(error["stackTrace"]) == 1


async def test_platform_lines_are_those_of_telemetry(functions: Functions) -> None:
    answer = await functions.run("def handler(event, context):\n    return 1\n", log_format="JSON", memory_mb=256)
    start, report = [document for document in documents(answer) if document["type"] in ("platform.start", "platform.report")]
    assert start["record"] == {"requestId": REQUEST_ID, "version": "$LATEST"}
    assert report["record"]["status"] == "success"
    assert report["record"]["metrics"]["memorySizeMB"] == 256
    assert report["record"]["metrics"]["initDurationMs"] > 0
    assert not any(text.startswith(("START", "END", "REPORT", "INIT_START")) for text in texts(answer))


async def test_levels_decide_what_is_kept(functions: Functions) -> None:
    debug = await functions.run(LOGS, log_format="JSON", application_log_level="TRACE", system_log_level="DEBUG")
    assert told(debug) == [
        "platform.initStart",
        "platform.initRuntimeDone",
        "platform.initReport",
        "platform.start",
        "DEBUG",
        "INFO",
        "ERROR",
        "platform.runtimeDone",
        "platform.report",
    ]
    quiet = await functions.run(LOGS, log_format="JSON", application_log_level="FATAL", system_log_level="WARN")
    assert told(quiet) == []


async def test_an_unhandled_error_is_json_too(functions: Functions) -> None:
    answer = await functions.run("def handler(event, context):\n    raise ValueError('no')\n", log_format="JSON", system_log_level="WARN")
    error, *platform = documents(answer)
    assert (error["level"], error["errorType"], error["errorMessage"], error["requestId"]) == ("ERROR", "ValueError", "no", REQUEST_ID)
    assert [(each["type"], each["record"]["status"]) for each in platform] == [("platform.runtimeDone", "failure"), ("platform.report", "failure")]


async def test_a_time_out_is_a_status(functions: Functions) -> None:
    code = "import time\ndef handler(event, context):\n    time.sleep(60)\n"
    answer = await functions.run(code, log_format="JSON", timeout_s=0.2)
    assert documents(answer)[-1]["record"]["status"] == "timeout"


async def test_a_level_of_its_own_stays_in_logs_of_text(functions: Functions) -> None:
    answer = await functions.run(LOGS, environment={"AWS_LAMBDA_LOG_LEVEL": "ERROR"})
    assert not any("hello you" in text for text in texts(answer))
    assert any(text.startswith("[ERROR]\t") for text in texts(answer))
