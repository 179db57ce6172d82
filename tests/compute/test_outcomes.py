"""How invocations end, in AWS's words, at every sandbox level."""

from __future__ import annotations

import math
import re

import pytest

from tests.compute.functions import REQUEST_ID, Functions, document, texts

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_the_handler_gets_the_event_and_its_answer_comes_back(functions: Functions) -> None:
    code = "def handler(event, context):\n    return {'event': event, 'id': context.aws_request_id}\n"
    answer = await functions.run(code, {"naïve": [1.5, None]})
    assert document(answer) == {"event": {"naïve": [1.5, None]}, "id": REQUEST_ID}
    assert answer.error is None


async def test_start_end_and_report_frame_what_the_handler_prints(functions: Functions) -> None:
    answer = await functions.run("def handler(event, context):\n    print('one\\ntwo')\n")
    init, start, *printed, end, report = texts(answer)
    assert re.fullmatch(
        r"INIT_START Runtime Version: python:3\.11\.v\d+\tRuntime Version ARN: arn:aws:lambda:us-east-1::runtime:[0-9a-f]{64}\n", init
    )
    assert start == f"START RequestId: {REQUEST_ID} Version: $LATEST\n"
    assert printed == ["one\n", "two\n"]
    assert end == f"END RequestId: {REQUEST_ID}\n"
    assert re.fullmatch(
        rf"REPORT RequestId: {REQUEST_ID}\tDuration: \d+\.\d\d ms\tBilled Duration: \d+ ms\tMemory Size: 128 MB\t"
        r"Max Memory Used: \d+ MB\tInit Duration: \d+\.\d\d ms\t\n",
        report,
    )


async def test_only_a_cold_start_reports_its_initialisation(functions: Functions) -> None:
    function = functions.function("def handler(event, context):\n    return 1\n")
    cold, warm = await functions.invoke(function), await functions.invoke(function)
    assert cold.init_ms is not None
    assert warm.init_ms is None
    assert [text.split()[0] for text in texts(warm)] == ["START", "END", "REPORT"]
    assert "Init Duration" not in texts(warm)[-1]
    assert warm.log_stream == cold.log_stream


async def test_a_runtime_that_is_stood_in_for_is_said_in_the_log(functions: Functions) -> None:
    answer = await functions.run("def handler(event, context):\n    return 1\n", runtime="python3.14")
    assert texts(answer)[1] == "[WARNING] another version stands in for python3.14\n"


async def test_log_records_carry_level_time_and_request(functions: Functions) -> None:
    code = "import logging\nlogging.getLogger().setLevel('INFO')\ndef handler(event, context):\n    logging.info('first\\nsecond')\n"
    record = texts(await functions.run(code))[2]
    assert re.fullmatch(rf"\[INFO\]\t\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{{3}}Z\t{REQUEST_ID}\tfirst\nsecond\n", record)


async def test_an_exception_is_told_with_its_trace(functions: Functions) -> None:
    answer = await functions.run("def handler(event, context):\n    raise ValueError('boom')\n")
    assert answer.error == "Unhandled"
    told = document(answer)
    assert list(told) == ["errorMessage", "errorType", "requestId", "stackTrace"]
    assert (told["errorMessage"], told["errorType"], told["requestId"]) == ("boom", "ValueError", REQUEST_ID)
    [frame] = told["stackTrace"]
    assert re.fullmatch(r"  File \"\S+/lambda_function\.py\", line 2, in handler\n    raise ValueError\('boom'\)\n", frame)
    assert any(text.startswith("[ERROR] ValueError: boom\nTraceback (most recent call last):\n\u00a0\u00a0File ") for text in texts(answer))


async def test_the_instance_survives_an_exception(functions: Functions) -> None:
    function = functions.function("count = 0\ndef handler(event, context):\n    global count\n    count += 1\n    raise ValueError(count)\n")
    first, second = await functions.invoke(function), await functions.invoke(function)
    assert (document(first)["errorMessage"], document(second)["errorMessage"]) == ("1", "2")


@pytest.mark.parametrize(
    ("ending", "how"),
    [
        ("import sys; sys.exit(1)", "Runtime exited with error: exit status 1"),
        ("import os; os._exit(7)", "Runtime exited with error: exit status 7"),
        ("import os; os._exit(0)", "Runtime exited without providing a reason"),
        ("import os; os.abort()", "Runtime exited with error: signal: aborted"),
        ("import ctypes; ctypes.string_at(0)", "Runtime exited with error: signal: segmentation fault"),
    ],
)
async def test_a_process_that_ends_takes_the_invocation_with_it(functions: Functions, ending: str, how: str) -> None:
    answer = await functions.run(f"def handler(event, context):\n    {ending}\n")
    assert answer.error == "Unhandled"
    assert answer.payload.decode() == f'{{"errorType":"Runtime.ExitError","errorMessage":"RequestId: {REQUEST_ID} Error: {how}"}}'
    assert any(text.endswith("\tStatus: error\tError Type: Runtime.ExitError\n") for text in texts(answer))


async def test_after_a_crash_the_next_invocation_starts_anew(functions: Functions) -> None:
    code = "import os\ndef handler(event, context):\n    if event: os._exit(1)\n    return 'well'\n"
    function = functions.function(code)
    assert (await functions.invoke(function, True)).error == "Unhandled"
    again = await functions.invoke(function, False)
    assert document(again) == "well"
    assert again.init_ms is not None


@pytest.mark.parametrize("waiting", ["import time; time.sleep(60)", "while True: pass"])
async def test_a_handler_that_never_returns_is_ended(functions: Functions, waiting: str) -> None:
    answer = await functions.run(f"def handler(event, context):\n    print('so far')\n    {waiting}\n", timeout_s=0.3)
    assert answer.error == "Unhandled"
    assert answer.payload.decode() == (
        f'{{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: {REQUEST_ID} Error: Task timed out after 0.30 seconds"}}'
    )
    assert "so far\n" in texts(answer)
    assert any(re.fullmatch(rf"\S+Z {REQUEST_ID} Task timed out after 0\.30 seconds\n\n", text) for text in texts(answer))
    assert texts(answer)[-1].endswith("\tStatus: timeout\n")
    assert answer.billed_ms == math.ceil(300 + (answer.init_ms or 0))


@pytest.mark.parametrize(
    ("package", "error_type", "message"),
    [
        ("import nosuch\n", "Runtime.ImportModuleError", "Unable to import module 'lambda_function': No module named 'nosuch'"),
        ("x = 1\n", "Runtime.HandlerNotFound", "Handler 'handler' missing on module 'lambda_function'"),
        (
            "def handler(event, context)\n    pass\n",
            "Runtime.UserCodeSyntaxError",
            "Syntax error in module 'lambda_function': expected ':' (lambda_function.py, line 1)",
        ),
        ("raise RuntimeError('not today')\n", "RuntimeError", "not today"),
    ],
)
async def test_code_that_cannot_be_loaded_is_tried_twice_and_told(functions: Functions, package: str, error_type: str, message: str) -> None:
    answer = await functions.run(package)
    assert answer.error == "Unhandled"
    told = document(answer)
    assert (told["errorType"], told["errorMessage"], told["requestId"]) == (error_type, message, REQUEST_ID)
    reports = [text for text in texts(answer) if text.startswith("INIT_REPORT")]
    assert [re.sub(r"\d+\.\d\d", "N", text) for text in reports] == [
        f"INIT_REPORT Init Duration: N ms\tPhase: init\tStatus: error\tError Type: {error_type}\n",
        f"INIT_REPORT Init Duration: N ms\tPhase: invoke\tStatus: error\tError Type: {error_type}\n",
    ]


async def test_a_handler_without_a_dot_is_malformed(functions: Functions) -> None:
    answer = await functions.run("def handler(event, context):\n    pass\n", handler="handler")
    assert document(answer)["errorType"] == "Runtime.MalformedHandlerName"
    assert document(answer)["errorMessage"] == "Bad handler 'handler': not enough values to unpack (expected 2, got 1)"


@pytest.mark.parametrize("handler", ["pkg/mod.handler", "pkg.mod.handler"])
async def test_a_handler_may_be_in_a_package(functions: Functions, handler: str) -> None:
    package = {"pkg/__init__.py": "", "pkg/mod.py": "def handler(event, context):\n    return __name__\n"}
    assert document(await functions.run(package, handler=handler)) == "pkg.mod"


async def test_code_that_hangs_while_it_is_loaded_has_ten_seconds_and_then_its_own_time(
    functions: Functions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tule.compute.invocations.INIT_LIMIT_S", 0.3)
    answer = await functions.run("import time\ntime.sleep(60)\n", timeout_s=0.4)
    assert document(answer)["errorType"] == "Sandbox.Timedout"
    phases = [text.split("\t")[1:] for text in texts(answer) if text.startswith("INIT_REPORT")]
    assert phases == [["Phase: init", "Status: timeout\n"], ["Phase: invoke", "Status: timeout\n"]]


async def test_an_answer_above_six_megabytes_is_refused_and_the_instance_survives(functions: Functions) -> None:
    function = functions.function("seen = []\ndef handler(event, context):\n    seen.append(event)\n    return 'x' * event if event else len(seen)\n")
    answer = await functions.invoke(function, 6_291_555)
    assert answer.error == "Unhandled"
    assert answer.payload.decode() == (
        '{"errorType":"Function.ResponseSizeTooLarge","errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes)."}'
    )
    assert (await functions.invoke(function, 6_291_554)).payload == b'"' + b"x" * 6_291_554 + b'"'
    assert document(await functions.invoke(function, 0)) == 3


async def test_an_answer_that_is_not_json_is_a_marshal_error(functions: Functions) -> None:
    answer = await functions.run("def handler(event, context):\n    return object()\n")
    assert document(answer)["errorType"] == "Runtime.MarshalError"
    assert document(answer)["errorMessage"] == "Unable to marshal response: Object of type object is not JSON serializable"


async def test_numbers_and_letters_keep_their_form(functions: Functions) -> None:
    code = """
import collections, decimal
Point = collections.namedtuple('Point', 'x y')
def handler(event, context):
    return [event, decimal.Decimal('1.10'), Point(1, 2), (3,), 'é']
"""
    answer = await functions.run(code, 123456789012345678901234567890, runtime="python3.11")
    assert answer.payload == b'[123456789012345678901234567890, 1.10, {"x": 1, "y": 2}, [3], "\\u00e9"]'


async def test_an_event_that_is_not_json_is_an_unmarshal_error(functions: Functions) -> None:
    function = functions.function("def handler(event, context):\n    return event\n")
    answer = await functions.compute.invoke(function, b"{", request_id=REQUEST_ID)
    assert document(answer)["errorType"] == "Runtime.UnmarshalError"
    assert document(answer)["errorMessage"].startswith("Unable to unmarshal input: Expecting property name enclosed in double quotes")


async def test_the_environment_is_aws_s(functions: Functions) -> None:
    code = "import os\ndef handler(event, context):\n    return dict(os.environ)\n"
    function = functions.function(code, environment={"COLOUR": "green", "AWS_REGION": "mine", "TZ": "Europe/Vienna"}, memory_mb=256)
    answer = await functions.invoke(function)
    environment = document(answer)
    expected = {
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{function.name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": answer.log_stream,
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.11",
        "_HANDLER": "lambda_function.handler",
        "LAMBDA_RUNTIME_DIR": "/var/runtime",
        "COLOUR": "green",
        "TZ": "Europe/Vienna",
    }
    assert {name: environment.get(name) for name in expected} == expected
    assert not [name for name in environment if name.startswith(("TULE", "PYTEST"))]


async def test_the_context_has_all_that_is_documented(functions: Functions) -> None:
    code = """
def handler(event, c):
    left = c.get_remaining_time_in_millis()
    assert 0 < left <= 2000, left
    return [c.function_name, c.function_version, c.invoked_function_arn, c.memory_limit_in_mb, c.log_group_name, c.log_stream_name,
            c.identity.cognito_identity_id, c.identity.cognito_identity_pool_id, c.client_context.custom, c.client_context.client.app_title]
"""
    function = functions.function(code, timeout_s=2)
    answer = await functions.invoke(
        function,
        client_context='{"custom": {"a": 1}, "client": {"app_title": "T"}}',
        cognito_identity='{"cognitoIdentityId": "I", "cognitoIdentityPoolId": "P"}',
    )
    assert document(answer) == [
        function.name, "$LATEST", function.arn, "128", f"/aws/lambda/{function.name}", answer.log_stream, "I", "P", {"a": 1}, "T",
    ]  # fmt: skip
