"""PartiQL as DynamoDB speaks it: SELECT, INSERT, UPDATE, DELETE and EXISTS, with parameters.

`parser.py` makes a statement of a text; the statement's conditions and updates are the trees of `lang/dynamodb`, so that they
run as expressions do.  AWS: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.html
"""
