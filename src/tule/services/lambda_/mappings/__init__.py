"""Event source mappings: functions that are invoked with what queues and streams hold.

AWS: https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventsourcemapping.html
"""
