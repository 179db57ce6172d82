"""Custom runtimes: bootstraps of all kinds over the Runtime API."""

from __future__ import annotations

import asyncio
import gc
import os
import re
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.compute.conftest import LEVELS
from tests.compute.functions import REQUEST_ID, Functions, document, texts
from tule.compute.answers import WholeAnswer
from tule.compute.compute import Credentials, FunctionSpec
from tule.compute.families import InstalledRuntimes
from tule.compute.instance_api import InstanceApi
from tule.compute.runtime_api import ApiLink
from tule.compute.runtime_contract import Request, Spawned
from tule.compute.supervisor import Supervisor
from tule.core.config import Config
from tule.core.ids import Ids
from tule.server.http1 import Connection

pytestmark = pytest.mark.asyncio(loop_scope="module")

BROUGHT_GO = Path(__file__).parents[2] / ".clients/go/go/bin/go"  # by scripts/install_clients
NEXT = b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nhost: x\r\n\r\n"

SHELL = """#!/bin/sh
API="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime"
while true; do
  HEADERS=$(mktemp)
  EVENT=$(curl -sS -D "$HEADERS" "$API/invocation/next")
  ID=$(tr -d '\\r' < "$HEADERS" | sed -n 's/^lambda-runtime-aws-request-id: //p')
  echo "handling $ID"
  curl -sS -o /dev/null -d "{\\"got\\": $EVENT, \\"handler\\": \\"$_HANDLER\\"}" "$API/invocation/$ID/response"
done
"""

# With the standard library alone, so that no registry is asked.
RUST = """
use std::env;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

fn ask(api: &mut BufReader<TcpStream>, method: &str, path: &str, headers: &str, body: &[u8]) -> (Vec<(String, String)>, Vec<u8>) {
    let head = format!("{method} /2018-06-01/runtime{path} HTTP/1.1\\r\\nhost: api\\r\\n{headers}content-length: {}\\r\\n\\r\\n", body.len());
    api.get_mut().write_all(head.as_bytes()).unwrap();
    api.get_mut().write_all(body).unwrap();
    let mut found = Vec::new();
    let mut line = String::new();
    while api.read_line(&mut line).unwrap() > 2 {
        if let Some((name, value)) = line.trim_end().split_once(": ") { found.push((name.to_lowercase(), value.to_string())); }
        line.clear();
    }
    let size = found.iter().find(|(name, _)| name == "content-length").map_or(0, |(_, value)| value.parse().unwrap());
    let mut answer = vec![0; size];
    api.read_exact(&mut answer).unwrap();
    (found, answer)
}

fn main() {
    let mut api = BufReader::new(TcpStream::connect(env::var("AWS_LAMBDA_RUNTIME_API").unwrap()).unwrap());
    loop {
        let (headers, event) = ask(&mut api, "GET", "/invocation/next", "", b"");
        let id = &headers.iter().find(|(name, _)| name == "lambda-runtime-aws-request-id").unwrap().1;
        let text = String::from_utf8(event).unwrap();
        println!("handling {id}");
        if text.contains("fail") {
            let error = br#"{"errorType": "NoLuck", "errorMessage": "no luck"}"#;
            ask(&mut api, "POST", &format!("/invocation/{id}/error"), "lambda-runtime-function-error-type: NoLuck\\r\\n", error);
            continue;
        }
        let (memory, root) = (env::var("AWS_LAMBDA_FUNCTION_MEMORY_SIZE").unwrap(), env::var("LAMBDA_TASK_ROOT").unwrap());
        let answer = format!(r#"{{"got": {text}, "memory": "{memory}", "root": "{root}"}}"#);
        ask(&mut api, "POST", &format!("/invocation/{id}/response"), "", answer.as_bytes());
    }
}
"""

# Likewise; a function that a client of AWS would compile against github.com/aws/aws-lambda-go does the same.
GO = """
package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
)

func ask(api net.Conn, in *bufio.Reader, method, path, body string) (map[string]string, string) {
	fmt.Fprintf(api, "%s /2018-06-01/runtime%s HTTP/1.1\\r\\nhost: api\\r\\ncontent-length: %d\\r\\n\\r\\n%s", method, path, len(body), body)
	headers := map[string]string{}
	for {
		line, err := in.ReadString('\\n')
		if err != nil {
			os.Exit(3)
		}
		name, value, found := strings.Cut(strings.TrimSpace(line), ": ")
		if found {
			headers[strings.ToLower(name)] = value
		} else if name == "" {
			break
		}
	}
	size, _ := strconv.Atoi(headers["content-length"])
	answer := make([]byte, size)
	io.ReadFull(in, answer)
	return headers, string(answer)
}

func main() {
	api, err := net.Dial("tcp", os.Getenv("AWS_LAMBDA_RUNTIME_API"))
	if err != nil {
		os.Exit(2)
	}
	in := bufio.NewReader(api)
	for {
		headers, event := ask(api, in, "GET", "/invocation/next", "")
		id := headers["lambda-runtime-aws-request-id"]
		fmt.Println("handling " + id)
		if strings.Contains(event, "panic") {
			panic("no luck")
		}
		ask(api, in, "POST", "/invocation/"+id+"/response", fmt.Sprintf(`{"got": %s, "handler": "%s"}`, event, os.Getenv("_HANDLER")))
	}
}
"""

# A runtime in Python; `work(api, id, event, headers)` says what is done with an event.
PYTHON = """#!/usr/bin/env python3
import http.client, json, os, sys
api = http.client.HTTPConnection(os.environ['AWS_LAMBDA_RUNTIME_API'])
def ask(method, path, body=None, headers={}):
    api.request(method, '/2018-06-01/runtime' + path, body, headers)
    answer = api.getresponse()
    return answer.status, dict(answer.getheaders()), answer.read()
%s
while True:
    status, headers, event = ask('GET', '/invocation/next')
    work(headers['lambda-runtime-aws-request-id'], json.loads(event), headers)
"""

C = r"""
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static int connected(void) {
  char host[64]; int port;
  sscanf(getenv("AWS_LAMBDA_RUNTIME_API"), "%63[^:]:%d", host, &port);
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
  inet_pton(AF_INET, host, &to.sin_addr);
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(fd, (void *)&to, sizeof to)) exit(3);
  return fd;
}
static void ask(const char *request, char *answer, size_t size) {
  int fd = connected(); size_t at = 0; ssize_t n;
  write(fd, request, strlen(request));
  while (at < size - 1 && (n = read(fd, answer + at, size - 1 - at)) > 0) at += n;
  answer[at] = 0; close(fd);
}
int main(void) {
  static char answer[65536], request[66000];
  for (;;) {
    char id[64];
    ask("GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", answer, sizeof answer);
    sscanf(strstr(answer, "lambda-runtime-aws-request-id: ") + 31, "%63[^\r]", id);
    char *body = strstr(answer, "\r\n\r\n") + 4;
    snprintf(request, sizeof request, "POST /2018-06-01/runtime/invocation/%s/response HTTP/1.1\r\nhost: x\r\nconnection: close\r\n"
             "content-length: %zu\r\n\r\n%s", id, strlen(body), body);
    ask(request, answer, sizeof answer);
  }
}
"""


class Provided(Functions):
    """`code` is the bootstrap, or files by path."""

    def __init__(self, directory: Path, level: int) -> None:
        super().__init__(directory, level)
        runtimes = InstalledRuntimes(directory / "data")
        self.compute = Supervisor(Config(data=str(directory / "data")), self.clock, Ids(), None, runtimes=runtimes, best_level=level)

    def function(self, code: str | Mapping[str, str], mode: int = 0o755, **settings: Any) -> FunctionSpec:
        files = {"bootstrap": code} if isinstance(code, str) else code
        made = super().function(files, **({"runtime": "provided.al2023", "handler": "mine", "timeout_s": 10} | settings))
        if (made.code / "bootstrap").exists():
            (made.code / "bootstrap").chmod(mode)
        return made

    def python(self, work: str, **settings: Any) -> FunctionSpec:
        return self.function(PYTHON % work, **settings)


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=LEVELS, ids=lambda level: f"level{level}")
async def levels(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Provided]:
    """At every level that this host allows."""
    made = Provided(_readable(tmp_path_factory), request.param)
    yield made
    await made.compute.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def provided(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Provided]:
    made = Provided(_readable(tmp_path_factory), LEVELS[0])
    yield made
    await made.compute.stop()


def _readable(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("provided")
    path.chmod(0o755)
    return path


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
async def test_a_shell_script_is_a_runtime(levels: Provided) -> None:
    function = levels.function(SHELL)
    first, second = await levels.invoke(function, [1]), await levels.invoke(function, {"a": "é"})
    assert document(first) == {"got": [1], "handler": "mine"}
    assert document(second) == {"got": {"a": "é"}, "handler": "mine"}
    assert second.init_ms is None
    assert f"handling {REQUEST_ID}\n" in texts(second)
    assert re.search(r"INIT_START Runtime Version: provided:al2023\.v\d+\t", texts(first)[0])


@pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")
async def test_a_program_is_a_runtime(provided: Provided) -> None:
    function = provided.function("")
    (function.code / "main.c").write_text(C)
    (function.code / "bootstrap").unlink()
    await asyncio.to_thread(subprocess.run, ["gcc", "-o", "bootstrap", "main.c"], cwd=function.code, check=True)
    answers = [await provided.invoke(function, n) for n in range(3)]
    assert [document(answer) for answer in answers] == [0, 1, 2]
    assert answers[0].init_ms is not None
    assert 0 < answers[-1].max_memory_mb < 64


@pytest.mark.skipif(shutil.which("rustc") is None, reason="rustc is not installed")
async def test_a_program_in_rust_is_a_runtime(provided: Provided) -> None:
    function = provided.function("")
    (function.code / "main.rs").write_text(RUST)
    (function.code / "bootstrap").unlink()
    await asyncio.to_thread(subprocess.run, ["rustc", "-O", "-o", "bootstrap", "main.rs"], cwd=function.code, check=True)
    answer = await provided.invoke(function, {"n": 1})
    assert document(answer) == {"got": {"n": 1}, "memory": "128", "root": "/var/task"}
    failed = await provided.invoke(function, {"fail": True})
    assert (failed.error, document(failed)["errorType"]) == ("Unhandled", "NoLuck")
    assert document(await provided.invoke(function, [2]))["got"] == [2]
    assert f"handling {REQUEST_ID}\n" in texts(answer)


async def test_a_program_in_go_is_a_runtime(provided: Provided, tmp_path: Path) -> None:
    compiler = shutil.which("go") or (str(BROUGHT_GO) if BROUGHT_GO.exists() else None)
    if compiler is None:
        pytest.skip("Go is not installed")
    function = provided.function("")
    (function.code / "main.go").write_text(GO)
    (function.code / "bootstrap").unlink()
    environment = os.environ | {"CGO_ENABLED": "0", "GOCACHE": str(tmp_path), "GOPATH": str(tmp_path / "path"), "GOTOOLCHAIN": "local"}
    await asyncio.to_thread(subprocess.run, [compiler, "build", "-o", "bootstrap", "main.go"], cwd=function.code, env=environment, check=True)
    answer = await provided.invoke(function, {"n": 1})
    assert document(answer) == {"got": {"n": 1}, "handler": "mine"}
    assert f"handling {REQUEST_ID}\n" in texts(answer)
    failed = await provided.invoke(function, "panic")
    assert document(failed)["errorMessage"] == f"RequestId: {REQUEST_ID} Error: Runtime exited with error: exit status 2"
    assert "panic: no luck\n" in texts(failed)
    assert document(await provided.invoke(function, [2]))["got"] == [2]


async def test_a_layer_may_bring_the_runtime(levels: Provided) -> None:
    layer = levels.directory / "runtime-layer"
    layer.mkdir(exist_ok=True)
    (layer / "bootstrap").write_text(PYTHON % "def work(id, event, headers):\n    ask('POST', f'/invocation/{id}/response', '\"layer\"')")
    (layer / "bootstrap").chmod(0o755)
    assert document(await levels.run({"handler.txt": ""}, layers=(layer,))) == "layer"


async def test_an_instance_whose_credentials_run_out_gives_way_to_a_fresh_one(provided: Provided) -> None:
    code = "def work(id, event, headers):\n    ask('POST', f'/invocation/{id}/response', json.dumps(os.environ['AWS_ACCESS_KEY_ID']))"
    function = provided.python(code)
    issued: list[Credentials] = []

    def credentials() -> Credentials:
        issued.append(Credentials(f"ASIA{len(issued)}", "secret", "token", provided.clock.now_ms() + 3_600_000))
        return issued[-1]

    async def seen() -> object:
        return document(await provided.invoke(function, credentials=credentials))

    assert [await seen(), await seen()] == ["ASIA0", "ASIA0"]
    provided.clock.move(3_400_000)
    assert await seen() == "ASIA1"


async def test_headers_carry_the_context(provided: Provided) -> None:
    function = provided.python("def work(id, event, headers):\n    ask('POST', f'/invocation/{id}/response', json.dumps(headers))")
    got = document(await provided.invoke(function, None, client_context='{"a": 1}', cognito_identity='{"b": 2}', trace="Root=1-2-3"))
    assert got["lambda-runtime-aws-request-id"] == REQUEST_ID
    assert got["lambda-runtime-invoked-function-arn"] == function.arn
    assert got["lambda-runtime-client-context"] == '{"a": 1}'
    assert got["lambda-runtime-cognito-identity"] == '{"b": 2}'
    assert got["lambda-runtime-trace-id"] == "Root=1-2-3"
    assert int(got["lambda-runtime-deadline-ms"]) > 1_700_000_000_000
    assert got["content-type"] == "application/json"
    plain = document(await provided.invoke(function))
    assert not {"lambda-runtime-client-context", "lambda-runtime-cognito-identity"} & plain.keys()
    assert re.fullmatch(r"Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=0", plain["lambda-runtime-trace-id"]), "there always is one"


async def test_the_environment_is_aws(provided: Provided) -> None:
    function = provided.python("def work(id, event, headers):\n    ask('POST', f'/invocation/{id}/response', json.dumps(dict(os.environ)))")
    got = document(await provided.invoke(function))
    assert got["LD_LIBRARY_PATH"].startswith("/var/lang/lib:/lib64:/usr/lib64:/var/runtime")
    assert got["PATH"] == "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin"
    assert got["AWS_LAMBDA_RUNTIME_API"] == "127.0.0.1:9001"
    assert "AWS_EXECUTION_ENV" not in got


async def test_an_error_is_told_as_it_was_posted(provided: Provided) -> None:
    work = """
def work(id, event, headers):
    ask('POST', f'/invocation/{id}/error', '{"errorMessage":"no","errorType":"Mine","stackTrace":[]}', {'Lambda-Runtime-Function-Error-Type': 'Mine'})
"""
    function = provided.python(work)
    for _ in range(2):
        answer = await provided.invoke(function)
        assert (answer.error, answer.payload) == ("Unhandled", b'{"errorMessage":"no","errorType":"Mine","stackTrace":[]}')


async def test_an_error_without_a_document_has_its_type(provided: Provided) -> None:
    work = "def work(id, event, headers):\n    ask('POST', f'/invocation/{id}/error', 'nonsense', {'Lambda-Runtime-Function-Error-Type': 'Mine'})"
    assert document(await provided.invoke(provided.python(work)))["errorType"] == "Mine"


async def test_an_error_of_the_start_is_tried_twice_and_told(provided: Provided) -> None:
    work = """
ask('POST', '/init/error', '{"errorMessage":"no start","errorType":"Mine.Start"}', {'Lambda-Runtime-Function-Error-Type': 'Mine.Start'})
sys.exit(1)
"""
    answer = await provided.invoke(provided.python(work))
    assert (answer.error, document(answer)) == ("Unhandled", {"errorMessage": "no start", "errorType": "Mine.Start"})
    assert sum(text.startswith("INIT_REPORT") and "Error Type: Mine.Start" in text for text in texts(answer)) == 2


@pytest.mark.parametrize(
    ("script", "how"),
    [
        ("exit 3", "Runtime exited with error: exit status 3"),
        ("exit 0", "Runtime exited without providing a reason"),
        ("kill -9 $$", "Runtime exited with error: signal: killed"),
    ],
)
async def test_a_runtime_that_ends_at_once_is_told(provided: Provided, script: str, how: str) -> None:
    answer = await provided.run(f"#!/bin/sh\necho starting >&2\n{script}\n")
    assert document(answer) == {"errorType": "Runtime.ExitError", "errorMessage": f"RequestId: {REQUEST_ID} Error: {how}"}
    assert texts(answer).count("starting\n") == 2


async def test_a_runtime_that_ends_in_an_invocation_is_told(provided: Provided) -> None:
    answer = await provided.invoke(provided.python("def work(id, event, headers):\n    sys.exit(4)"))
    assert document(answer)["errorMessage"] == f"RequestId: {REQUEST_ID} Error: Runtime exited with error: exit status 4"


@pytest.mark.parametrize(
    ("files", "mode", "why"),
    [
        ({"other": ""}, 0o755, "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]"),
        ({"bootstrap": "#!/bin/sh\n"}, 0o644, "fork/exec /var/task/bootstrap: permission denied"),
        ({"bootstrap": "echo hello\n"}, 0o755, "fork/exec /var/task/bootstrap: exec format error"),
        ({"bootstrap/file": ""}, 0o755, "fork/exec /var/task/bootstrap: permission denied"),
    ],
)
async def test_what_cannot_be_executed_is_an_invalid_entry_point(levels: Provided, files: dict[str, str], mode: int, why: str) -> None:
    answer = await levels.run(files, mode=mode)
    assert document(answer) == {"errorType": "Runtime.InvalidEntrypoint", "errorMessage": f"RequestId: {REQUEST_ID} Error: {why}"}


PROTOCOL = """
said = []
def work(id, event, headers):
    said.append(ask('POST', '/invocation/00000000-0000-0000-0000-000000000000/response', '1'))
    said.append(ask('GET', '/invocation/next'))
    said.append(ask('GET', '/nothing'))
    said.append(ask('GET', '/'))
    ask('POST', f'/invocation/{id}/response', json.dumps([[s, json.loads(b)['errorType']] for s, h, b in said]))
    said.clear()
"""


async def test_what_a_runtime_must_not_do_is_refused(provided: Provided) -> None:
    answer = await provided.invoke(provided.python(PROTOCOL), 0)
    assert document(answer) == [[400, "InvalidRequestID"], [403, "InvalidStateTransition"], [404, "InvalidRequest"], [404, "InvalidRequest"]]


async def test_an_answer_above_six_megabytes_is_refused_and_the_instance_survives(provided: Provided) -> None:
    work = (
        "def work(id, event, headers):\n    print('told', ask('POST', f'/invocation/{id}/response', '\"' + 'x' * (event - 2) + '\"')[0], flush=True)"
    )
    function = provided.python(work, memory_mb=256)
    refused = await provided.invoke(function, 6_291_557)
    assert document(refused)["errorType"] == "Function.ResponseSizeTooLarge"
    assert "told 413\n" in texts(refused), "an invocation lasts until the runtime asks for the next"
    answer = await provided.invoke(function, 6_291_556)
    assert len(answer.payload) == 6_291_556
    assert answer.init_ms is None


async def test_a_late_answer_is_refused(provided: Provided) -> None:
    work = """
late = []
def work(id, event, headers):
    late.append(id)
    first = ask('POST', f'/invocation/{id}/response', json.dumps(event))
    print(*ask('POST', f'/invocation/{id}/response', '2'), flush=True)
"""
    function = provided.python(work)
    assert document(await provided.invoke(function, 1)) == 1
    again = await provided.invoke(function, 2)
    assert document(again) == 2
    assert any(text.startswith("400 ") and "InvalidRequestID" in text for text in texts(again))


async def test_who_asks_again_gets_the_event() -> None:
    """A client that gave up waiting, and asked on a new connection."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setblocking(False)
    api = InstanceApi(listener, asyncio.get_running_loop())
    link = ApiLink(Spawned("id", 1, "/var/task", "/opt", {}, None, api), asyncio.get_running_loop())
    starting = asyncio.create_task(link.initialize())
    first, second = [await asyncio.open_connection(*listener.getsockname()) for _ in range(2)]
    first[1].write(NEXT)
    await starting
    second[1].write(NEXT)
    assert (await first[0].readline()).startswith(b"HTTP/1.1 403 ")
    invoked = asyncio.create_task(link.invoke(Request(b"{}", REQUEST_ID, 0, "arn"), WholeAnswer()))
    assert (await second[0].readline()).startswith(b"HTTP/1.1 200 ")
    invoked.cancel()
    link.close()
    api.close()
    for _, writer in (first, second):
        writer.close()


async def test_a_runtime_may_compute_in_silence(provided: Provided, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other servers close a connection that says nothing for a while; this one is kept, as if hours had passed."""
    overdue = Connection.overdue
    monkeypatch.setattr("tule.server.http1.SWEEP_S", 0.01)
    monkeypatch.setattr("tule.server.http1.Connection.overdue", lambda self, now: overdue(self, now + 10_000))
    work = "import time\ndef work(id, event, headers):\n    time.sleep(0.1)\n    ask('POST', f'/invocation/{id}/response', '1')"
    function = provided.python(work)
    assert [document(await provided.invoke(function)) for _ in range(2)] == [1, 1]


async def test_a_runtime_that_never_answers_is_ended(provided: Provided) -> None:
    answer = await provided.invoke(provided.python("import time\ndef work(id, event, headers):\n    time.sleep(60)", timeout_s=0.5))
    assert document(answer)["errorType"] == "Sandbox.Timedout"


async def test_memory_is_told_from_outside(provided: Provided) -> None:
    work = "def work(id, event, headers):\n    held = b'x' * (60 << 20)\n    ask('POST', f'/invocation/{id}/response', '1')"
    answer = await provided.invoke(provided.python(work, memory_mb=256))
    if "memory" not in provided.compute.describe()["sandbox"]["groups"]:  # type: ignore[index,call-overload]
        pytest.skip("no memory control group on this host")
    assert 60 <= answer.max_memory_mb < 120


async def test_instances_leave_no_descriptors(provided: Provided) -> None:
    ends = provided.python("sys.exit(1)")
    works = provided.python("def work(id, event, headers):\n    ask('POST', f'/invocation/{id}/response', '1')")
    broken = provided.function("#!/bin/sh\n", mode=0o644)
    provided.compute.retire("")
    await _none_left(provided)
    before = _open()
    for function in (ends, works, broken, works):
        await provided.invoke(function)
        provided.compute.retire("")
    await _none_left(provided)
    async with asyncio.timeout(10):
        while _open() > before:  # noqa: ASYNC110 - the loop closes sockets in its own time
            await asyncio.sleep(0.01)


async def _none_left(provided: Provided) -> None:
    async with asyncio.timeout(10):
        while provided.compute.sandboxes():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


def _open() -> int:
    gc.collect()
    return len(os.listdir("/proc/self/fd"))
