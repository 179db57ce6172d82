"""Functions that trigger themselves are stopped, unless they are allowed to.

Each invocation counts one more round through its function in the trace header; the SDKs that a function uses send the header
with their calls, and SQS, SNS, S3 and the other services pass it on with what they deliver.
AWS: https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html: after about 16 rounds in the same chain of requests,
for loops through functions, SQS, SNS and S3 alone.
"""

from __future__ import annotations

import dataclasses

from tule.core import trace as traces
from tule.core.trace import Trace
from tule.platform.call import Call
from tule.platform.node import Node
from tule.services.lambda_ import errors
from tule.services.lambda_.runnables import Runnable

MAX_ROUNDS = 16
PARENT_DIGITS = 16
_TAKE_PART = ("lambda.amazonaws.com", "sqs.amazonaws.com", "sns.amazonaws.com", "s3.amazonaws.com", "tule.platform")


def heard(call: Call) -> str | None:
    """The trace of a call to invoke a function.  What a service does not take part in that is no loop: its lineage ends there."""
    by = call.principal.service
    if not call.trace or not by or by in _TAKE_PART:
        return call.trace
    arrived = traces.parse(call.trace)
    return call.trace if arrived is None else str(dataclasses.replace(arrived, lineage=()))


def enter(node: Node, function: Runnable, header: str | None) -> Trace:
    """The trace that this invocation carries on.  Raises RecursiveInvocationException."""
    arrived = traces.parse(header) or traces.begin(node.ids, node.clock.now_ms())
    arn = function.ref.arn
    if function.recursive_loop == "Terminate" and arrived.count(arn) >= MAX_ROUNDS:
        raise errors.recursive_invocation()
    sampled = arrived.sampled if arrived.sampled in ("0", "1") else ("1" if function.tracing == "Active" else "0")
    return arrived.through(arn, node.ids.hex(PARENT_DIGITS), sampled)
