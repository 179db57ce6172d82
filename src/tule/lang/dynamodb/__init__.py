"""DynamoDB's own language: attribute values, numbers, sizes, expressions, and the parameters that came before expressions.

A value is what the JSON protocol carries: `{"S": "x"}`, `{"N": "1"}`, `{"B": "<base64>"}`, `{"L": [...]}`, ...  An item is a
dict of attribute names to values.  Start at `clauses.py`: it turns a request's parameters into conditions, updates,
projections and key conditions that are ready to run.

AWS: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.html
"""
