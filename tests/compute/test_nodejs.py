"""Node.js functions: how handlers answer, how they fail, what they find, in AWS's words."""

from __future__ import annotations

import asyncio
import json
import re
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.compute.conftest import LEVELS
from tests.compute.functions import REQUEST_ID, Functions, document, texts
from tule.compute import sdks
from tule.compute.compute import FunctionSpec, Invocation
from tule.compute.families import InstalledRuntimes
from tule.compute.runtimes import installed_nodes
from tule.compute.supervisor import Supervisor
from tule.core.config import Config
from tule.core.ids import Ids

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.skipif(not installed_nodes(), reason="Node.js is not installed")]

ERROR = re.compile(r"\S+Z\t(\S+)\tERROR\t(.*?) ?\t(\{.*\})\n", re.DOTALL)


class NodeFunctions(Functions):
    """`code` is index.js, or files by path."""

    def __init__(self, directory: Path, level: int, **settings: Any) -> None:
        super().__init__(directory, level)
        runtimes = InstalledRuntimes(directory / "data")
        self.compute = Supervisor(Config(data=str(directory / "data"), **settings), self.clock, Ids(), None, runtimes=runtimes, best_level=level)

    def function(self, code: str | Mapping[str, str], **settings: Any) -> FunctionSpec:
        files = {"index.js": code} if isinstance(code, str) else code
        return super().function(files, **({"runtime": "nodejs20.x", "handler": "index.handler", "timeout_s": 10} | settings))


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=LEVELS, ids=lambda level: f"level{level}")
async def nodes(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[NodeFunctions]:
    """At every level that this host allows."""
    made = NodeFunctions(_readable(tmp_path_factory), request.param)
    yield made
    await made.compute.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[NodeFunctions]:
    made = NodeFunctions(_readable(tmp_path_factory), LEVELS[0], parked=2)
    yield made
    await made.compute.stop()


def _readable(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("nodejs")
    path.chmod(0o755)
    return path


def logged(answer: Invocation) -> tuple[str, str, dict[str, Any]]:
    """Request id, title and document of the error in the log."""
    [match] = [match for text in texts(answer) if (match := ERROR.fullmatch(text))]
    return match[1], match[2], json.loads(match[3])


@pytest.mark.parametrize(
    "code",
    [
        "exports.handler = async (event) => ({ got: event });",
        "exports.handler = (event) => Promise.resolve({ got: event });",
        "exports.handler = (event, context, callback) => callback(null, { got: event });",
        "exports.handler = (event, context, callback) => { setTimeout(() => callback(undefined, { got: event }), 1); };",
        "exports.handler = (event, context) => context.succeed({ got: event });",
        "exports.handler = (event, context) => { setImmediate(() => context.done(null, { got: event })); };",
        "exports.handler = (event, context, callback) => { callback(null, { got: event }); callback(new Error('late')); context.fail('later'); };",
        "exports.handler = async (event, context, callback) => { callback(null, { got: event }); return 'too late'; };",
    ],
)
async def test_a_handler_answers_in_every_way_there_is(nodes: NodeFunctions, code: str) -> None:
    answer = await nodes.run(code, {"naïve": [1.5, None]})
    assert (document(answer), answer.error) == ({"got": {"naïve": [1.5, None]}}, None)


@pytest.mark.parametrize(
    ("code", "payload"),
    [
        ("exports.handler = async () => {};", b"null"),
        ("exports.handler = () => {};", b"null"),
        ("exports.handler = () => 'not heard';", b"null"),
        ("exports.handler = () => { setTimeout(() => {}, 5); };", b"null"),
        ("exports.handler = async () => () => 1;", b"null"),
        ("exports.handler = async () => 'é';", '"é"'.encode()),
        ("exports.handler = async () => ({ toJSON: () => [1] });", b"[1]"),
    ],
)
async def test_what_a_handler_does_not_say_is_null(node: NodeFunctions, code: str, payload: bytes) -> None:
    answer = await node.run(code)
    assert (answer.payload, answer.error) == (payload, None)


async def test_a_callback_waits_until_the_event_loop_is_empty_unless_told_not_to(node: NodeFunctions) -> None:
    code = """
exports.handler = (event, context, callback) => {
  context.callbackWaitsForEmptyEventLoop = event.waits;
  setTimeout(() => console.log('afterwards'), 30);
  callback(null, 'said');
};
"""
    waited, went = await node.run(code, {"waits": True}), await node.run(code, {"waits": False})
    assert document(waited) == document(went) == "said"
    assert any("afterwards" in text for text in texts(waited))
    assert not any("afterwards" in text for text in texts(went))


async def test_an_asynchronous_handler_that_never_settles_is_told_so(node: NodeFunctions) -> None:
    answer = await node.run("exports.handler = async () => { await new Promise(() => {}); };")
    assert answer.error == "Unhandled"
    assert document(answer)["errorType"] == "Runtime.NodeJsExit"
    assert document(answer)["errorMessage"].startswith("The Lambda runtime client detected an unexpected Node.js exit code.")


@pytest.mark.parametrize(
    "code",
    [
        "exports.handler = async () => { throw new TypeError('boom'); };",
        "exports.handler = () => { throw new TypeError('boom'); };",
        "exports.handler = (event, context, callback) => callback(new TypeError('boom'));",
        "exports.handler = (event, context) => context.fail(new TypeError('boom'));",
        "exports.handler = (event, context) => context.done(new TypeError('boom'));",
    ],
)
async def test_an_error_is_told_with_its_trace_and_logged(nodes: NodeFunctions, code: str) -> None:
    answer = await nodes.run(code)
    assert answer.error == "Unhandled"
    told = document(answer)
    assert list(told) == ["errorType", "errorMessage", "trace"]
    assert (told["errorType"], told["errorMessage"], told["trace"][0]) == ("TypeError", "boom", "TypeError: boom")
    assert re.match(r"    at .*index\.js:1:\d+\)?$", told["trace"][1])
    assert logged(answer) == (REQUEST_ID, "Invoke Error", {"errorType": "TypeError", "errorMessage": "boom", "stack": told["trace"]})


@pytest.mark.parametrize(
    ("thrown", "error_type", "message"),
    [
        ("'words'", "string", "words"),
        ("42", "number", "42"),
        ("{ a: 1 }", "object", "[object Object]"),
        ("undefined", "string", "handled"),
        ("{ name: 'Mine', message: 'own', stack: 'Mine: own' }", "Mine", "own"),
        ("{ get name() { throw new Error('trap'); } }", "handled", None),
    ],
)
async def test_what_is_thrown_need_not_be_an_error(node: NodeFunctions, thrown: str, error_type: str, message: str | None) -> None:
    answer = await node.run(f"exports.handler = async () => {{ throw {thrown}; }};")
    assert answer.error == "Unhandled"
    assert document(answer)["errorType"] == error_type
    assert message is None or document(answer)["errorMessage"] == message


async def test_an_error_is_logged_with_all_that_it_carries(node: NodeFunctions) -> None:
    code = (
        "exports.handler = async () => { throw Object.assign(new Error('outer', { cause: new Error('inner') }), { code: 'E1', statusCode: 404 }); };"
    )
    _, _, told = logged(await node.run(code))
    assert list(told) == ["errorType", "errorMessage", "code", "statusCode", "stack"]
    assert (told["code"], told["statusCode"]) == ("E1", 404)


async def test_the_instance_survives_an_error(node: NodeFunctions) -> None:
    function = node.function("let n = 0; exports.handler = async () => { n += 1; throw new Error(n); };")
    assert [document(await node.invoke(function))["errorMessage"] for _ in range(3)] == ["1", "2", "3"]


@pytest.mark.parametrize(
    ("code", "title", "error_type", "message"),
    [
        ("setTimeout(() => { throw new RangeError('late'); }, 1);", "Uncaught Exception", "RangeError", "late"),
        ("Promise.reject(new Error('lost'));", "Unhandled Promise Rejection", "Runtime.UnhandledPromiseRejection", "Error: lost"),
        ("Promise.reject('words');", "Unhandled Promise Rejection", "Runtime.UnhandledPromiseRejection", "words"),
    ],
)
async def test_an_error_nobody_catches_ends_the_process_and_is_told(
    nodes: NodeFunctions, code: str, title: str, error_type: str, message: str
) -> None:
    forever = "await new Promise(() => { setTimeout(() => {}, 9000); });"
    function = nodes.function(f"let n = 0; exports.handler = async (event) => {{ n += 1; if (!event) return n; {code} {forever} }};")
    answer = await nodes.invoke(function, True)
    assert answer.error == "Unhandled"
    assert (document(answer)["errorType"], document(answer)["errorMessage"]) == (error_type, message)
    assert logged(answer)[:2] == (REQUEST_ID, title)
    again = await nodes.invoke(function, False)
    assert document(again) == 1
    assert again.init_ms is not None


async def test_an_error_between_invocations_ends_the_instance(node: NodeFunctions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tule.compute.supervisor.FREEZE_AFTER_S", 60.0)  # however busy the host is, it comes to throwing it
    code = """
exports.handler = async (event, context) => { setTimeout(() => { throw new Error('in between'); }, 5); return process.pid; };
"""
    function = node.function(code)
    first = await node.invoke(function)
    assert document(first) > 0
    async with asyncio.timeout(10):
        while any(sandbox.function_key == function.key for sandbox in node.compute.sandboxes()):  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    assert (await node.invoke(function)).init_ms is not None


@pytest.mark.parametrize(
    ("ending", "how"),
    [
        ("process.exit(1)", "Runtime exited with error: exit status 1"),
        ("process.exit(0)", "Runtime exited without providing a reason"),
        ("process.exit()", "Runtime exited without providing a reason"),
        ("process.abort()", "Runtime exited with error: signal: aborted"),
        ("process.kill(process.pid, 'SIGKILL')", "Runtime exited with error: signal: killed"),
    ],
)
async def test_a_process_that_ends_takes_the_invocation_with_it(node: NodeFunctions, ending: str, how: str) -> None:
    answer = await node.run(f"exports.handler = async () => {{ {ending}; }};")
    assert answer.payload.decode() == f'{{"errorType":"Runtime.ExitError","errorMessage":"RequestId: {REQUEST_ID} Error: {how}"}}'


@pytest.mark.parametrize("waiting", ["await new Promise((resolve) => { setTimeout(resolve, 60000); });", "for (;;);"])
async def test_a_handler_that_never_answers_is_ended(node: NodeFunctions, waiting: str) -> None:
    answer = await node.run(f"exports.handler = async () => {{ console.log('so far'); {waiting} }};", timeout_s=0.5)
    assert document(answer)["errorType"] == "Sandbox.Timedout"
    assert any(text.endswith("so far\n") for text in texts(answer))


@pytest.mark.parametrize(
    ("files", "handler", "error_type", "message"),
    [
        ({"index.js": "exports.handler = async () => {"}, "index.handler", "Runtime.UserCodeSyntaxError", "SyntaxError: Unexpected end of input"),
        ({"index.mjs": "export const handler = async ("}, "index.handler", "Runtime.UserCodeSyntaxError", "SyntaxError: Unexpected end of input"),
        ({"index.js": "require('nosuch');"}, "index.handler", "Runtime.ImportModuleError", "Error: Cannot find module 'nosuch'\nRequire stack:\n- "),
        ({"other.js": ""}, "index.handler", "Runtime.ImportModuleError", "Error: Cannot find module 'index'\nRequire stack:\n- "),
        ({"index.mjs": "import 'nosuch';"}, "index.handler", "Error", "Cannot find package 'nosuch' imported from "),
        ({"index.js": "exports.other = 1;"}, "index.handler", "Runtime.HandlerNotFound", "index.handler is undefined or not exported"),
        ({"index.mjs": "export default { handler() {} };"}, "index.handler", "Runtime.HandlerNotFound", "index.handler is undefined or not exported"),
        ({"index.js": "exports.handler = 1;"}, "index.handler", "Runtime.HandlerNotFound", "index.handler is not a function"),
        ({"index.js": ""}, "index", "Runtime.MalformedHandlerName", "Bad handler"),
        ({"index.js": ""}, "../index.handler", "Runtime.MalformedHandlerName", "'../index.handler' is not a valid handler name. Use absolute paths"),
        ({"index.js": "throw new RangeError('not today');"}, "index.handler", "RangeError", "not today"),
        ({"index.js": "throw 'words';"}, "index.handler", "string", "words"),
        ({"index.mjs": "await Promise.reject(new RangeError('not today'));"}, "index.handler", "RangeError", "not today"),
    ],
)
async def test_code_that_cannot_be_loaded_is_tried_twice_and_told(
    node: NodeFunctions, files: dict[str, str], handler: str, error_type: str, message: str
) -> None:
    answer = await node.run(files, handler=handler)
    assert answer.error == "Unhandled"
    assert document(answer)["errorType"] == error_type
    assert document(answer)["errorMessage"].startswith(message)
    assert sum(text.startswith("INIT_REPORT") and f"Error Type: {error_type}\n" in text for text in texts(answer)) == 2
    assert sum("\tundefined\tERROR\tUncaught Exception \t{" in text for text in texts(answer)) == 2


async def test_an_error_beside_the_loading_of_the_code_is_told(node: NodeFunctions) -> None:
    code = "setImmediate(() => { throw new RangeError('beside'); }); await new Promise((r) => setTimeout(r, 5000)); export const handler = 1;"
    answer = await node.run({"index.mjs": code})
    assert (document(answer)["errorType"], document(answer)["errorMessage"]) == ("RangeError", "beside")


@pytest.mark.parametrize(
    ("files", "handler"),
    [
        ({"index.mjs": "export const handler = async () => 'here';"}, "index.handler"),
        ({"index.js": "export const handler = async () => 'here';", "package.json": '{"type": "module"}'}, "index.handler"),
        ({"index.cjs": "exports.handler = async () => 'here';"}, "index.handler"),
        ({"index.mjs": "await 0; export async function handler() { return 'here'; }"}, "index.handler"),
        ({"dir/deep/app.js": "exports.handler = async () => 'here';"}, "dir/deep/app.handler"),
        ({"dir/app.js": "exports.api = { get: { handler: async () => 'here' } };"}, "dir/app.api.get.handler"),
        ({"dir/index.js": "exports.handler = async () => 'here';"}, "./dir/index.handler"),
        ({"node_modules/pkg/index.js": "exports.handler = async () => 'here';"}, "node_modules/pkg/index.handler"),
        (
            {"node_modules/pkg/index.js": "module.exports = 'here';", "index.js": "const x = require('pkg'); exports.handler = async () => x;"},
            "index.handler",
        ),
        (
            {
                "node_modules/pkg/index.mjs": "export default 'here';",
                "node_modules/pkg/package.json": '{"exports": "./index.mjs"}',
                "index.mjs": "import x from 'pkg'; export const handler = async () => x;",
            },
            "index.handler",
        ),
        (
            {"index.mjs": "const { x } = await import('./lazy.mjs'); export const handler = async () => x;", "lazy.mjs": "export const x = 'here';"},
            "index.handler",
        ),
    ],
)
async def test_code_is_found_as_commonjs_and_as_es_modules(nodes: NodeFunctions, files: dict[str, str], handler: str) -> None:
    answer = await nodes.run(files, handler=handler)
    assert document(answer) == "here"


@pytest.mark.parametrize("kind", ["js", "mjs"])
async def test_layers_bring_packages(nodes: NodeFunctions, kind: str) -> None:
    layers = []
    for place, name in (("nodejs/node_modules", "first"), ("nodejs/node20/node_modules", "second")):
        layer = nodes.directory / f"layer-{name}-{kind}"
        package = layer / place / name
        package.mkdir(parents=True, exist_ok=True)
        (package / "index.js").write_text(f"module.exports = '{name}';")
        layers.append(layer)
    loads = {
        "js": "const a = require('first'), b = require('second'); exports.handler = async () => [a, b];",
        "mjs": "import a from 'first'; import b from 'second'; export const handler = async () => [a, b];",
    }
    answer = await nodes.run({f"index.{kind}": loads[kind]}, layers=tuple(layers))
    assert document(answer) == ["first", "second"]


@pytest.mark.parametrize(
    "files",
    [
        {"index.mjs": 'import{a}from"./a.mjs";export const handler=async()=>a', "a.mjs": "export{default as a}from'brought'"},
        {"index.mjs": "export const handler = async () => (await import('brought')).default;"},
        {"index.mjs": "const name = 'brought'; export const handler = async () => (await import(name)).default;"},
        {"index.mjs": "import {\n  sep\n} from 'path';\nimport * as all\n  from 'brought';\nexport const handler = async () => all.default;"},
        {
            "index.mjs": "import x from './deep/index.js'; export const handler = async () => x;",
            "deep/index.js": "module.exports = require('brought');",
        },
        {"index.js": "exports.handler = async () => (await import('brought')).default;"},
        {
            "index.cjs": "exports.handler = require('./deep').handler;",
            "deep/index.js": "exports.handler = async () => (await import('brought')).default;",
        },
    ],
)
async def test_packages_of_layers_are_found_however_they_are_imported(node: NodeFunctions, files: dict[str, str]) -> None:
    layer = node.directory / "layer-brought"
    package = layer / "nodejs" / "node_modules" / "brought"
    package.mkdir(parents=True, exist_ok=True)
    (package / "index.js").write_text("module.exports = 'brought';")
    assert document(await node.run(files, layers=(layer,))) == "brought"


@pytest.mark.skipif(3 not in sdks.javascript_sdks(), reason="the JavaScript SDK v3 is not installed")
@pytest.mark.parametrize("kind", ["js", "mjs"])
async def test_the_sdk_v3_is_there_from_18_on(nodes: NodeFunctions, kind: str) -> None:
    loads = {
        "js": "const { S3Client } = require('@aws-sdk/client-s3'); exports.handler = async () => new S3Client({ region: 'x' }).constructor.name;",
        "mjs": "import { S3Client } from '@aws-sdk/client-s3'; export const handler = async () => new S3Client({ region: 'x' }).constructor.name;",
    }
    assert document(await nodes.run({f"index.{kind}": loads[kind]}, memory_mb=512, timeout_s=20)) == "S3Client"


@pytest.mark.skipif(2 not in sdks.javascript_sdks(), reason="the JavaScript SDK v2 is not installed")
async def test_the_sdk_v2_is_there_up_to_16(node: NodeFunctions) -> None:
    code = "const AWS = require('aws-sdk'); exports.handler = async () => AWS.VERSION;"
    assert document(await node.run(code, runtime="nodejs16.x", memory_mb=512, timeout_s=20)).startswith("2.")


async def test_console_levels_make_records(node: NodeFunctions) -> None:
    code = """
exports.handler = async () => {
  console.log('one %s', 'two', { a: 1 });
  console.debug('d'); console.info('i'); console.warn('w'); console.error('first\\nsecond');
  process.stdout.write('raw line\\n');
};
"""
    answer = await node.run(code)
    records = [text.split("\t", 1)[-1] for text in texts(answer)[2:-2]]
    assert records == [
        f"{REQUEST_ID}\tINFO\tone two {{ a: 1 }}\n",
        f"{REQUEST_ID}\tDEBUG\td\n",
        f"{REQUEST_ID}\tINFO\ti\n",
        f"{REQUEST_ID}\tWARN\tw\n",
        f"{REQUEST_ID}\tERROR\tfirst\nsecond\n",
        "raw line\n",
    ]
    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\t", texts(answer)[2])


async def test_a_level_silences_what_is_below_it(node: NodeFunctions) -> None:
    code = "exports.handler = async () => { console.log('quiet'); console.warn('quiet'); console.error('loud'); console.fatal('loudest'); };"
    answer = await node.run(code, environment={"AWS_LAMBDA_LOG_LEVEL": "error"})
    assert [text.split("\t")[-1] for text in texts(answer)[2:-2]] == ["loud\n", "loudest\n"]


async def test_json_records_carry_objects_and_errors(node: NodeFunctions) -> None:
    code = """
exports.handler = async () => {
  console.log({ a: [1] });
  console.info('n', 5);
  console.warn('failed:', new TypeError('t'));
  const loop = {}; loop.loop = loop; console.error(loop);
  throw new RangeError('r');
};
"""
    answer = await node.run(code, environment={"AWS_LAMBDA_LOG_FORMAT": "JSON"})
    first, second, third, fourth, fifth = (json.loads(text) for text in texts(answer)[2:-2])
    assert (first["level"], first["requestId"], first["message"]) == ("INFO", REQUEST_ID, {"a": [1]})
    assert list(first) == ["timestamp", "level", "requestId", "message"]
    assert second["message"] == "n 5"
    assert (third["level"], third["errorType"], third["errorMessage"], third["stackTrace"][0]) == ("WARN", "TypeError", "t", "TypeError: t")
    assert "Circular" in fourth["message"]
    assert (fifth["message"]["errorType"], fifth["message"]["errorMessage"]) == ("RangeError", "r")


async def test_the_context_is_aws(node: NodeFunctions) -> None:
    code = """
exports.handler = async (event, context) => ({
  ...context, left: context.getRemainingTimeInMillis(), trace: process.env._X_AMZN_TRACE_ID, cwd: process.cwd(), argv: process.argv.length,
});
"""
    function = node.function(code, timeout_s=5)
    got = document(
        await node.invoke(function, client_context='{"custom": {"a": 1}}', cognito_identity='{"cognitoIdentityId": "i"}', trace="Root=1-2-3")
    )
    assert 0 < got.pop("left") <= 5000
    assert got == {
        "callbackWaitsForEmptyEventLoop": True,
        "functionVersion": "$LATEST",
        "functionName": function.name,
        "memoryLimitInMB": "128",
        "logGroupName": f"/aws/lambda/{function.name}",
        "logStreamName": got["logStreamName"],
        "clientContext": {"custom": {"a": 1}},
        "identity": {"cognitoIdentityId": "i"},
        "invokedFunctionArn": function.arn,
        "awsRequestId": REQUEST_ID,
        "trace": "Root=1-2-3",
        "cwd": "/var/task",
        "argv": 2,
    }
    assert document(await node.invoke(function))["trace"].endswith(";Sampled=0")


async def test_variables_that_were_set_late_are_the_functions_own(node: NodeFunctions) -> None:
    code = (
        "const early = process.env.MINE; exports.handler = async () => [early, Object.keys(process.env).filter((name) => name.startsWith('TULE'))];"
    )
    assert document(await node.run(code, environment={"MINE": "set"})) == ["set", []]


async def test_options_of_node_that_were_set_late_have_effect(node: NodeFunctions) -> None:
    files = {
        "before.js": "globalThis.before = 'required';",
        "early.mjs": "globalThis.early = 'imported';",
        "index.js": "exports.handler = async () => [globalThis.before, globalThis.early, typeof gc];",
    }
    options = {"NODE_OPTIONS": "--enable-source-maps -r ./before.js --import=./early.mjs --expose-gc --frobnicate"}
    answer = await node.run(files, environment=options)
    assert document(answer)[:2] == ["required", "imported"]
    assert any("NODE_OPTIONS: --frobnicate has no effect here." in text for text in texts(answer))


async def test_state_is_kept_while_an_instance_is_warm_and_frozen(node: NodeFunctions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tule.compute.supervisor.FREEZE_AFTER_S", 0)
    function = node.function("let n = 0; setInterval(() => { n += 1000; }, 1).unref(); exports.handler = async () => { n += 1; return n; };")
    first = document(await node.invoke(function))
    await asyncio.sleep(0.05)  # while it stands still
    assert document(await node.invoke(function)) < first + 50_000


async def test_an_answer_above_six_megabytes_is_refused_and_the_instance_survives(node: NodeFunctions) -> None:
    function = node.function("let n = 0; exports.handler = async (size) => { n += 1; return size ? 'x'.repeat(size) : n; };", memory_mb=512)
    assert document(await node.invoke(function, 6_291_555))["errorType"] == "Function.ResponseSizeTooLarge"
    assert len((await node.invoke(function, 6_291_554)).payload) == 6_291_556
    assert document(await node.invoke(function, 0)) == 3


async def test_an_event_of_six_megabytes_arrives(node: NodeFunctions) -> None:
    code = "exports.handler = async (event) => [event.text.length, event.text.charCodeAt(6000000)];"
    assert document(await node.run(code, {"text": "x" * 6_000_000 + "y"}, memory_mb=512)) == [6_000_001, ord("y")]


async def test_an_answer_that_cannot_be_json_is_an_error_and_the_instance_survives(node: NodeFunctions) -> None:
    function = node.function("exports.handler = async (event) => { const a = {}; a.a = event && a; return a; };")
    answer = await node.invoke(function, True)
    assert (document(answer)["errorType"], document(answer)["errorMessage"]) == ("Error", "Unable to stringify response body")
    assert document(await node.invoke(function, 0)) == {"a": 0}


async def test_streamed_answers_are_gathered(node: NodeFunctions) -> None:
    code = """
const { pipeline } = require('stream/promises');
const { Readable } = require('stream');
exports.handler = awslambda.streamifyResponse(async (event, stream, context) => {
  if (event === 'fail') throw new Error('no stream');
  if (event === 'open') { stream.write('x'); return; }
  stream.setContentType('text/plain');
  await pipeline(Readable.from(['a', 'b', Buffer.from('c')]), stream);
});
"""
    function = node.function(code)
    assert (await node.invoke(function, "well")).payload == b"abc"
    assert document(await node.invoke(function, "fail"))["errorMessage"] == "no stream"
    assert document(await node.invoke(function, "open"))["errorMessage"] == "Response stream is not finished."
    assert (await node.invoke(function, "well")).payload == b"abc"


async def test_callbacks_are_refused_from_24_on_and_warned_of_in_22(node: NodeFunctions) -> None:
    code = "exports.handler = (event, context, callback) => callback(null, 1);"
    warned = await node.run(code, runtime="nodejs22.x")
    assert document(warned) == 1
    assert any("AWS Lambda plans to remove support for callback-based function handlers" in text for text in texts(warned))
    assert document(await node.run(code, runtime="nodejs24.x"))["errorType"] == "Runtime.CallbackHandlerDeprecated"


async def test_workers_wait_for_functions_only_once_node_is_used(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    made = NodeFunctions(tmp_path, LEVELS[0], parked=2)
    try:
        assert document(await Functions.run(made, {"lambda_function.py": ""}, runtime="nodejs20.x", handler="index.handler"))
        async with asyncio.timeout(20):
            while made.compute.describe()["instances"]["parked"] < 2:  # type: ignore[index,operator]  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        pids = {sandbox.id for sandbox in made.compute.sandboxes()}
        answer = await made.run("exports.handler = async () => 1;")
        assert document(answer) == 1
        assert pids & {sandbox.id for sandbox in made.compute.sandboxes() if sandbox.function_key}
    finally:
        await made.compute.stop()
    assert made.compute.sandboxes() == []


@pytest.fixture
def runtime_home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Not under /tmp, which is the instance's own inside."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as made:
        Path(made).chmod(0o755)
        monkeypatch.setenv("TULE_RUNTIME_HOME", made)
        yield Path(made)


async def test_an_interpreter_that_is_installed_meanwhile_is_used_at_once(node: NodeFunctions, runtime_home: Path) -> None:
    function = node.function("exports.handler = async () => null;", runtime="nodejs24.x")
    before = await node.invoke(function)
    assert document(before) is None
    assert any("stands in" in text for text in texts(before))
    real, made = next(iter(installed_nodes().values())), runtime_home / "made"
    (made / "bin").mkdir(parents=True)
    (runtime_home / "nodejs").mkdir()
    (made / "bin" / "node").write_text(f'#!/bin/sh\n[ "$1" = --version ] && echo v24.9.1 && exit\nexec {real} "$@"\n')
    (made / "bin" / "node").chmod(0o755)
    made.rename(runtime_home / "nodejs" / "24.9.1")
    assert installed_nodes()["24"] == runtime_home / "nodejs" / "24.9.1" / "bin" / "node"
    node.compute.retire(function.key)
    after = await node.invoke(function)
    assert after.error is None
    assert not any("stands in" in text for text in texts(after))
