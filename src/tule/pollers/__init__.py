"""Reading queues and streams on behalf of others: Lambda's event source mappings and EventBridge's pipes.

`Pollers` keeps a poller running for each `Source` that should be read.  A poller reads as its reader's role, filters,
makes batches, hands them to the `Reader`, and by its answer deletes messages or moves checkpoints.  Everything is done
at least once; in a queue's message group and in a lane of a shard, one batch at a time and in order.
"""
