"""Durable functions: executions that outlive their invocations, by checkpoints.

An execution is a function's version, an input, and operations: steps, waits, callbacks, invocations of other functions, and
contexts of these.  The function is invoked with what is known of all operations, does what comes next, checkpoints it, and
ends its invocation when it has to wait; when a wait is over, it is invoked again and replays to where it was.
AWS: https://docs.aws.amazon.com/lambda/latest/dg/durable-functions.html
"""
