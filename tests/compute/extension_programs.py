"""Extensions for tests: programs in Python that speak the Extensions API, put into a layer."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

# `register(events)`, `next()`, `said(method, path, body, headers)` and what a test adds.
PROGRAM = """#!/usr/bin/env python3
import http.client, json, os, signal, sys, threading, time
name = os.path.basename(sys.argv[0])
api = http.client.HTTPConnection(os.environ['AWS_LAMBDA_RUNTIME_API'])
identity = {}
def said(method, path, body=None, headers={}):
    api.request(method, path, None if body is None else json.dumps(body), {**identity, **headers})
    answer = api.getresponse()
    raw = answer.read()
    try:
        return answer.status, dict(answer.getheaders()), json.loads(raw or b'null')
    except ValueError:
        return answer.status, dict(answer.getheaders()), raw.decode()
def register(*events, **headers):
    more = {key.replace('_', '-'): value for key, value in headers.items()}
    status, got, body = said('POST', '/2020-01-01/extension/register', {'events': events}, {'Lambda-Extension-Name': name, **more})
    identity['Lambda-Extension-Identifier'] = got.get('lambda-extension-identifier', '')
    return status, body
def next():
    return said('GET', '/2020-01-01/extension/event/next')[2]
def tell(*words):
    print('extension', *words, flush=True)
"""

LOOP = """
register('INVOKE', 'SHUTDOWN')
while True:
    event = next()
    tell(event['eventType'], event.get('requestId', event.get('shutdownReason')))
    if event['eventType'] == 'SHUTDOWN':
        break
"""


def layer(directory: Path, programs: Mapping[str, str], mode: int = 0o755) -> Path:
    """A layer with these extensions, each what follows PROGRAM; a text that begins with `#!` is a whole program."""
    folder = directory / "extensions"
    folder.mkdir(parents=True)
    directory.chmod(0o755)
    for name, text in programs.items():
        (folder / name).write_text(text if text.startswith("#!") else PROGRAM + text)
        (folder / name).chmod(mode)
    return directory
