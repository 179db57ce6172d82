"""A short wait before an answer, so that whoever asks next finds the stack at rest.

Tools look at a stack once in 5 to 30 seconds.  Most stacks here are through in much less than one; an answer that waits
for them that long saves every deployment the tool's first pause.  AWS promises nothing about when it answers.
"""

from __future__ import annotations

import asyncio

from tule.platform.call import Call
from tule.services.cloudformation import state

PATIENCE_S = 1.0


async def until_at_rest(call: Call, stack_id: str) -> None:
    """Return once no operation runs on the stack, or after a second.  Calls from within the house do not wait."""
    if not call.headers or not stack_id:
        return
    woken = asyncio.Event()
    unsubscribe = call.node.store.subscribe(f"cloudformation/{stack_id}", woken.set)
    try:
        async with asyncio.timeout(PATIENCE_S):
            while await call.node.store.read(lambda tx: state.is_in_progress(tx, stack_id)):
                await woken.wait()
                woken.clear()
    except TimeoutError:
        return
    finally:
        unsubscribe()
