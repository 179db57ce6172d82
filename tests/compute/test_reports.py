"""Lambda's own log lines."""

from __future__ import annotations

import pytest

from tule.compute import failures, reports


@pytest.mark.parametrize(
    ("runtime", "version"),
    [
        ("python3.12", "python:3.12.v1"),
        ("nodejs20.x", "nodejs:20.v1"),
        ("provided.al2023", "provided:al2023.v1"),
        ("provided", "provided.v1"),
        ("java21", "java:21.v1"),
        ("dotnet8", "dotnet:8.v1"),
    ],
)
def test_a_runtime_is_named_by_language_and_version(runtime: str, version: str) -> None:
    assert reports.init_start(runtime, "eu-west-1").startswith(
        f"INIT_START Runtime Version: {version}\tRuntime Version ARN: arn:aws:lambda:eu-west-1::runtime:"
    )


def test_a_report_of_a_cold_start_bills_the_initialization_too() -> None:
    assert reports.report("id", 1.234, 7, 128, 30, 5.0) == (
        "REPORT RequestId: id\tDuration: 1.23 ms\tBilled Duration: 7 ms\tMemory Size: 128 MB\tMax Memory Used: 30 MB\tInit Duration: 5.00 ms\t\n"
    )


def test_a_warm_invocation_is_billed_by_the_millisecond() -> None:
    assert [reports.billed_ms(duration, None) for duration in (0.0, 0.2, 1.0, 1.01)] == [1, 1, 1, 2]


def test_a_report_of_a_failure_says_of_which_kind() -> None:
    failure = failures.exited("id", 9, out_of_memory=True)
    assert reports.report("id", 0.0, 1, 128, 128, None, failure) == (
        "REPORT RequestId: id\tDuration: 0.00 ms\tBilled Duration: 1 ms\tMemory Size: 128 MB\tMax Memory Used: 128 MB\t"
        "Status: error\tError Type: Runtime.OutOfMemory\n"
    )


def test_a_time_out_says_how_long_it_was() -> None:
    failure = failures.timed_out("id", 3, "2024-01-01T00:00:03.000Z")
    assert failure.document == b'{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: id Error: Task timed out after 3.00 seconds"}'
    assert failure.log == "2024-01-01T00:00:03.000Z id Task timed out after 3.00 seconds\n\n"
