"""The AWS protocols, server side, compiled from the botocore models: bytes to plain dicts and back.

identify.py     whose request is it: an `OperationCodec`, from target, rpc path, action, or REST `routes.py`
codec.py        one operation in one protocol: `parse`, `validate`, `serialize`, `error`
models.py       the models, loaded a service at a time, patched by `data/patches`; `index.py` is what is known before
shapes.py       shapes with the traits of where they stand
rpc.py          json, cbor, query and ec2; `rest.py` rest-json and rest-xml; `eventstream.py` streams of events
*_shapes.py     readers and writers of values, compiled from shapes, for JSON and CBOR, XML, and forms
constraints.py  the model's constraints, compiled; `violations.py` says what is wrong, in AWS's words; `kinds.py` for
                params that did not come by wire
errors.py       errors as each protocol dresses them; `refusals.py` those that are raised before a service sees a request

Unknown members are ignored when reading and not written.  Nothing here knows what an operation does.
"""
