"""S3 Batch Operations: one operation on each object of a manifest, as a role, with a report at the end.

`rules.py` says what a job may be, `manifest.py` reads its tasks, `tasks.py` does one, `report.py` tells of all, and `run.py` leads a
job from state to state by durable jobs, so that a node that dies goes on where it was.
AWS: https://docs.aws.amazon.com/AmazonS3/latest/userguide/batch-ops.html
"""
