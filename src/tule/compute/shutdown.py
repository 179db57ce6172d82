"""The Shutdown phase of an instance that has extensions: the runtime is asked to end, then extensions are, and have two seconds.

    no extension                     everything is killed at once
    internal extensions only         SIGTERM to the runtime; half a second later, SIGKILL
    external ones                    SIGTERM to the runtime, which has 300 ms; SHUTDOWN to extensions, which have the rest of two seconds;
                                     those that did not ask for that event get SIGTERM; then SIGKILL

AWS: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html, shutdown phase
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from signal import Signals
from typing import Literal

from tule.compute.instances import Instance

Reason = Literal["spindown", "timeout", "failure"]
EXTERNAL_S, INTERNAL_S = 2.0, 0.5
RUNTIME_S = 0.3  # of the time of external extensions
FLUSH_S = 0.1  # for who listens to telemetry to take what is held


async def shut_down(instance: Instance, reason: Reason) -> None:
    """Ends the instance."""
    sandbox, extensions = instance.sandbox, instance.extensions
    try:
        instance.wake()
        loop = asyncio.get_running_loop()
        external = extensions.external
        limit_s = EXTERNAL_S if external else INTERNAL_S
        until, until_ms = loop.time() + limit_s, int((time.time() + limit_s) * 1000)
        await _end_runtime(instance, RUNTIME_S if external else INTERNAL_S)
        with suppress(TimeoutError):
            async with asyncio.timeout(FLUSH_S):
                await instance.telemetry.flush()
        with suppress(TimeoutError):
            async with asyncio.timeout_at(until):
                for name in extensions.shut_down(reason, until_ms):
                    sandbox.companions[name].send(Signals.SIGTERM)
                await extensions.all_gone()
    finally:
        instance.end()


async def _end_runtime(instance: Instance, seconds: float) -> None:
    sandbox = instance.sandbox
    sandbox.signal_runtime(Signals.SIGTERM)
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await asyncio.shield(sandbox.ended)
    sandbox.signal_runtime(Signals.SIGKILL)
