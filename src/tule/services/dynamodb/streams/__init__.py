"""DynamoDB Streams: what is recorded of changes, and how it is read.

AWS: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html
"""
