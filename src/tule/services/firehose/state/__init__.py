"""The rows of Firehose.

A delivery stream is a document.  What it has taken and not yet delivered are records in buffers: `intake` before processing,
`output` on the way to the destination (one buffer for each set of partition keys), `backup`, and `errors` (one for each type).
"""
