"""The rows of Kinesis.

A stream gives every record a position, one after the other whichever shard it goes to; a record's key is its shard's number
and its position, so that a shard is a range of keys that only grows at its end, and a record costs one insertion.
"""
