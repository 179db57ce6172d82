"""Java functions, compiled by the test: every kind of handler, what it finds, how it fails."""

from __future__ import annotations

import asyncio
import itertools
import re
import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.compute.conftest import LEVELS
from tests.compute.functions import REQUEST_ID, Functions, document, texts
from tule.compute.compute import FunctionSpec
from tule.compute.families import InstalledRuntimes
from tule.compute.java_family import SOURCES
from tule.compute.jvms import installed_jvms
from tule.compute.supervisor import Supervisor
from tule.core.config import Config
from tule.core.ids import Ids

NO_COMPILER = not any((place / "bin" / "javac").is_file() for place in installed_jvms().values())
pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.skipif(NO_COMPILER, reason="no Java development kit is installed")]

IMPORTS = "import com.amazonaws.services.lambda.runtime.*;\nimport java.io.*;\nimport java.util.*;\n"
_numbers = itertools.count(1)


class JavaFunctions(Functions):
    """`code` is the body of class `example.Handler`'s file, after its imports."""

    def __init__(self, directory: Path, level: int) -> None:
        super().__init__(directory, level)
        runtimes = InstalledRuntimes(directory / "data")
        self.compute = Supervisor(Config(data=str(directory / "data")), self.clock, Ids(), None, runtimes=runtimes, best_level=level)
        self.version, place = next(iter(installed_jvms().items()))
        self.compiler = place / "bin" / "javac"

    async def java(self, code: str, **settings: Any) -> FunctionSpec:
        source = self.directory / f"source-{next(_numbers)}" / "example" / "Handler.java"
        source.parent.mkdir(parents=True)
        source.write_text(f"package example;\n{IMPORTS}{code}")
        made = self.function(
            {"empty.txt": ""},
            **({"runtime": f"java{self.version}", "handler": "example.Handler", "memory_mb": 512, "timeout_s": 20} | settings),
        )
        api = sorted((SOURCES / "api").rglob("*.java"))
        command = [str(self.compiler), "-d", str(made.code), str(source), *map(str, api)]
        await asyncio.to_thread(subprocess.run, command, check=True, capture_output=True)
        shutil.rmtree(made.code / "com", ignore_errors=True)  # most packages bring it; AWS's runtime has it too
        return made

    async def returned(self, code: str, event: object = None, **settings: Any) -> Any:
        answer = await self.invoke(await self.java(code, **settings), event)
        assert answer.error is None, answer.payload
        return document(answer)


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=LEVELS, ids=lambda level: f"level{level}")
async def levels(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[JavaFunctions]:
    made = JavaFunctions(_readable(tmp_path_factory), request.param)
    yield made
    await made.compute.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def javas(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[JavaFunctions]:
    made = JavaFunctions(_readable(tmp_path_factory), LEVELS[0])
    yield made
    await made.compute.stop()


def _readable(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("java")
    path.chmod(0o755)
    return path


MAP = """
public class Handler implements RequestHandler<Map<String, Object>, Map<String, Object>> {
    private static int served = 0;
    public Map<String, Object> handleRequest(Map<String, Object> event, Context context) {
        System.out.println("printed");
        context.getLogger().log("logged\\nas one");
        served++;
        return Map.of("got", event, "id", context.getAwsRequestId(), "served", served, "left", context.getRemainingTimeInMillis() > 1000);
    }
}
"""


async def test_a_request_handler(levels: JavaFunctions) -> None:
    function = await levels.java(MAP)
    first, second = [await levels.invoke(function, {"naïve": [1, 2.5, None, True]}) for _ in range(2)]
    assert document(first) == {"got": {"naïve": [1, 2.5, None, True]}, "id": REQUEST_ID, "served": 1, "left": True}
    assert document(second)["served"] == 2
    assert second.init_ms is None
    assert "printed\n" in texts(first)
    assert "logged\nas one" in texts(first)


async def test_a_stream_handler(javas: JavaFunctions) -> None:
    code = """
public class Handler implements RequestStreamHandler {
    public void handleRequest(InputStream in, OutputStream out, Context context) throws IOException {
        out.write(in.readAllBytes());
        out.write(' ');
    }
}
"""
    answer = await javas.invoke(await javas.java(code), {"a": 1})
    assert answer.payload == b'{"a": 1} '


@pytest.mark.parametrize(
    ("method", "event", "expected"),
    [
        ("public String run(String text) { return text.toUpperCase(); }", "abc", "ABC"),
        ("public int run(int number) { return number + 1; }", 41, 42),
        ("public Long run(long number, Context context) { return number + context.getMemoryLimitInMB(); }", 1 << 40, (1 << 40) + 512),
        ("public List<Integer> run(List<Integer> numbers) { Collections.reverse(numbers); return numbers; }", [1, 2, 3], [3, 2, 1]),
        ("public static double run(Double number) { return number / 2; }", 3, 1.5),
        ("public void run(Context context) { }", {}, None),
        ("public Object run() { return Optional.empty(); }", {}, None),
        ("public String[] run(Set<String> words) { return new TreeSet<>(words).toArray(new String[0]); }", ["b", "a", "b"], ["a", "b"]),
        ("public boolean run(Boolean yes) { return !yes; }", True, False),
    ],
)
async def test_any_method_is_a_handler(javas: JavaFunctions, method: str, event: object, expected: object) -> None:
    assert await javas.returned(f"public class Handler {{ {method} }}", event, handler="example.Handler::run") == expected


PLAIN = """
public class Handler implements RequestHandler<Handler.Order, Handler.Receipt> {
    public enum Kind { GIFT, SALE }
    public static class Line {
        private String itemName; private int count;
        public void setItemName(String name) { itemName = name; } public String getItemName() { return itemName; }
        public void setCount(int count) { this.count = count; } public int getCount() { return count; }
    }
    public static class Order {
        public String id; public Kind kind; public List<Line> lines; public Map<String, Date> dates; public byte[] raw;
    }
    public static class Receipt {
        private final String id; private final int total; private final Line first; private boolean paid = true;
        Receipt(Order order) { id = order.id + order.kind + order.dates.get("at").getTime() + order.raw.length; first = order.lines.get(0);
            total = order.lines.stream().mapToInt(Line::getCount).sum(); }
        public String getId() { return id; } public int getTotal() { return total; } public Line getFirst() { return first; }
        public boolean isPaid() { return paid; } public String getNothing() { return null; }
    }
    public Receipt handleRequest(Order order, Context context) { return new Receipt(order); }
}
"""


async def test_plain_objects_go_in_and_out(javas: JavaFunctions) -> None:
    lines = [{"itemName": "pen", "count": 2, "unknown": 1}, {"ITEMNAME": "ink", "count": 3}]
    event = {"id": "o", "kind": "GIFT", "lines": lines, "dates": {"at": 1.5}, "raw": "YWJj", "more": {}}
    receipt = {"id": "oGIFT15003", "total": 5, "first": {"itemName": "pen", "count": 2}, "paid": True, "nothing": None}
    assert await javas.returned(PLAIN, event) == receipt


async def test_generic_superclasses_say_what_comes_in(javas: JavaFunctions) -> None:
    code = """
abstract class Base<T> implements RequestHandler<T, String> {
    public String handleRequest(T event, Context context) { return work(event); }
    abstract String work(T event);
}
public class Handler extends Base<Handler.In> {
    public static class In { public String word; }
    String work(In event) { return event.word; }
}
"""
    assert await javas.returned(code, {"word": "generic"}) == "generic"


async def test_an_exception_is_told_with_its_cause(javas: JavaFunctions) -> None:
    code = """
public class Handler implements RequestHandler<Object, Object> {
    public Object handleRequest(Object event, Context context) {
        throw new IllegalStateException("outer", new IOException("inner"));
    }
}
"""
    answer = await javas.invoke(await javas.java(code))
    told = document(answer)
    assert (answer.error, told["errorType"], told["errorMessage"]) == ("Unhandled", "java.lang.IllegalStateException", "outer")
    assert told["stackTrace"][0] == "example.Handler.handleRequest(Handler.java:8)"
    assert not any("tule." in frame for frame in told["stackTrace"])
    assert (told["cause"]["errorType"], told["cause"]["errorMessage"]) == ("java.io.IOException", "inner")
    assert any(text.startswith("outer: java.lang.IllegalStateException\n") for text in texts(answer))


@pytest.mark.parametrize(
    ("code", "handler", "error_type", "message"),
    [
        ("public class Handler {}", "example.Missing", "java.lang.ClassNotFoundException", "Class not found: example.Missing"),
        (
            "public class Handler {}",
            "example.Handler::run",
            "java.lang.NoSuchMethodException",
            "No public method named run with appropriate method signature found on class example.Handler",
        ),
        (
            'public class Handler { static { if (true) throw new RuntimeException("static"); } public void run() {} }',
            "example.Handler::run",
            "java.lang.ExceptionInInitializerError",
            None,
        ),
    ],
)
async def test_what_cannot_be_loaded_is_told(javas: JavaFunctions, code: str, handler: str, error_type: str, message: str | None) -> None:
    answer = await javas.invoke(await javas.java(code, handler=handler))
    assert (document(answer)["errorType"], document(answer)["errorMessage"]) == (error_type, message)
    assert sum(text.startswith("INIT_REPORT") for text in texts(answer)) == 2


async def test_an_event_that_does_not_fit_is_an_error(javas: JavaFunctions) -> None:
    answer = await javas.invoke(
        await javas.java("public class Handler { public int run(int n) { return n; } }", handler="example.Handler::run"), {"a": 1}
    )
    assert document(answer)["errorMessage"] == "An error occurred during JSON parsing"


async def test_libraries_are_found_in_the_package_and_in_layers(javas: JavaFunctions) -> None:
    layer = javas.directory / "java-layer"
    (layer / "java" / "lib").mkdir(parents=True)
    library = await javas.java('public class Handler { public static String word() { return "from a layer"; } }')
    jar = javas.compiler.with_name("jar")
    made = str(layer / "java" / "lib" / "library.jar")
    await asyncio.to_thread(subprocess.run, [jar, "cf", made, "-C", str(library.code), "example"], check=True)
    function = javas.function(
        {"empty.txt": ""}, runtime=library.runtime, handler="example.Handler::word", memory_mb=512, timeout_s=20, layers=(layer,)
    )
    assert document(await javas.invoke(function)) == "from a layer"


async def test_context_and_client(javas: JavaFunctions) -> None:
    code = """
public class Handler implements RequestHandler<Object, Object> {
    public Object handleRequest(Object event, Context c) {
        return Arrays.asList(c.getFunctionName(), c.getFunctionVersion(), c.getInvokedFunctionArn(), c.getLogStreamName(),
            c.getClientContext().getCustom(), c.getClientContext().getClient().getAppTitle(), c.getIdentity().getIdentityId(),
            System.getProperty("com.amazonaws.xray.traceHeader"));
    }
}
"""
    function = await javas.java(code)
    client = '{"client": {"app_title": "shop"}, "custom": {"a": "b"}}'
    answer = await javas.invoke(function, None, client_context=client, cognito_identity='{"cognitoIdentityId": "me"}', trace="Root=1-2-3")
    name, version, arn, stream, *rest = document(answer)
    assert (name, version, arn, stream) == (function.name, "$LATEST", function.arn, answer.log_stream)
    assert rest == [{"a": "b"}, "shop", "me", "Root=1-2-3"]


async def test_logs_in_json(javas: JavaFunctions) -> None:
    code = """
import com.amazonaws.services.lambda.runtime.logging.LogLevel;
public class Handler {
    public void run(Context context) {
        context.getLogger().log("fine", LogLevel.DEBUG);
        context.getLogger().log("said", LogLevel.WARN);
    }
}
"""
    function = await javas.java(code, handler="example.Handler::run", log_format="JSON", application_log_level="INFO", system_log_level="WARN")
    [line] = [text for text in texts(await javas.invoke(function)) if '"message"' in text]
    assert re.fullmatch(rf'\{{"timestamp":"\S+Z","level":"WARN","message":"said","AWSRequestId":"{REQUEST_ID}"\}}\n', line)


async def test_every_java_that_is_installed_runs(javas: JavaFunctions) -> None:
    code = 'public class Handler { public String run() { return System.getProperty("java.specification.version"); } }'
    for version in installed_jvms():
        assert await javas.returned(code, handler="example.Handler::run", runtime=f"java{version}") == version
