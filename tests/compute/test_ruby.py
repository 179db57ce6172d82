"""Ruby functions: run where a Ruby is installed; elsewhere, what a stand-in for it is given and asked."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.compute.conftest import LEVELS
from tests.compute.functions import REQUEST_ID, Functions, document, texts
from tule.compute import runtimes
from tule.compute.compute import FunctionSpec
from tule.compute.families import InstalledRuntimes
from tule.compute.runtimes import installed_rubies
from tule.compute.supervisor import Supervisor
from tule.core.config import Config
from tule.core.ids import Ids

pytestmark = pytest.mark.asyncio(loop_scope="module")
# Where there is no Ruby, this takes its place: it speaks the Runtime API and answers with how it was called.
FAKE = """#!/usr/bin/python3
import http.client, json, os, sys
if sys.argv[1] == '-e':
    print('3.3.9', end='')
    sys.exit()
api = http.client.HTTPConnection(os.environ['AWS_LAMBDA_RUNTIME_API'])
while True:
    api.request('GET', '/2018-06-01/runtime/invocation/next')
    answer = api.getresponse()
    event, id = json.loads(answer.read()), answer.getheader('lambda-runtime-aws-request-id')
    names = ('_HANDLER', 'GEM_PATH', 'RUBYLIB', 'AWS_EXECUTION_ENV')
    told = {'program': os.path.exists(sys.argv[1]), 'environment': {name: os.environ[name] for name in names}, 'event': event}
    api.request('POST', '/2018-06-01/runtime/invocation/' + id + '/response', json.dumps(told))
    api.getresponse().read()
"""


class RubyFunctions(Functions):
    def __init__(self, directory: Path, level: int) -> None:
        super().__init__(directory, level)
        known = InstalledRuntimes(directory / "data")
        self.compute = Supervisor(Config(data=str(directory / "data")), self.clock, Ids(), None, runtimes=known, best_level=level)

    def function(self, code: str | Mapping[str, str], **settings: Any) -> FunctionSpec:
        files = {"app.rb": code} if isinstance(code, str) else code
        version = next(iter(installed_rubies()), "3.3")
        return super().function(files, **({"runtime": f"ruby{version}", "handler": "app.handler", "timeout_s": 20} | settings))


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=LEVELS, ids=lambda level: f"level{level}")
async def rubies(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RubyFunctions]:
    path = tmp_path_factory.mktemp("ruby")
    path.chmod(0o755)
    made = RubyFunctions(path, request.param)
    yield made
    await made.compute.stop()


@pytest.fixture
def fake() -> Iterator[Path]:
    """Not under /tmp, which is the instance's own inside."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as place:
        Path(place).chmod(0o755)
        program = Path(place) / "bin" / "ruby"
        program.parent.mkdir()
        program.write_text(FAKE)
        program.chmod(0o755)
        yield program


async def test_ruby_is_started_as_functions_expect_it(rubies: RubyFunctions, fake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtimes, "installed_rubies", lambda: {"3.3": fake})
    monkeypatch.setattr("tule.compute.families.installed_rubies", lambda: {"3.3": fake})
    answer = await rubies.run("", {"a": 1}, runtime="ruby3.3")
    assert document(answer) == {
        "program": True,
        "environment": {
            "_HANDLER": "app.handler",
            "GEM_PATH": "/var/task/vendor/bundle/ruby/3.3.0:/opt/ruby/gems/3.3.0",
            "RUBYLIB": "/opt/ruby/lib",
            "AWS_EXECUTION_ENV": "AWS_Lambda_ruby3.3",
        },
        "event": {"a": 1},
    }


if installed_rubies():

    async def test_a_handler_is_a_method(rubies: RubyFunctions) -> None:
        code = """
def handler(event:, context:)
  puts 'printed'
  { got: event, id: context.aws_request_id, time: context.get_remaining_time_in_millis > 1000 }
end
"""
        function = rubies.function(code)
        first, second = await rubies.invoke(function, {"naïve": [1, None]}), await rubies.invoke(function, 2)
        assert document(first) == {"got": {"naïve": [1, None]}, "id": REQUEST_ID, "time": True}
        assert document(second)["got"] == 2
        assert "printed\n" in texts(first)
        assert second.init_ms is None

    async def test_a_handler_may_be_of_a_class(rubies: RubyFunctions) -> None:
        code = "module Shop\n  class Orders\n    def self.process(event:, context:)\n      context.function_name\n    end\n  end\nend\n"
        function = rubies.function(code, handler="app.Shop::Orders.process")
        assert document(await rubies.invoke(function)) == function.name

    async def test_errors_are_told(rubies: RubyFunctions) -> None:
        answer = await rubies.run("class Odd < StandardError; end\ndef handler(event:, context:)\n  raise Odd, 'no'\nend\n")
        told = document(answer)
        assert (answer.error, told["errorType"], told["errorMessage"]) == ("Unhandled", "Function<Odd>", "no")
        assert told["stackTrace"][0].endswith("app.rb:3:in `handler'") or "handler" in told["stackTrace"][0]
        assert any("Error raised from handler method" in text for text in texts(answer))

    async def test_what_cannot_be_loaded_is_told(rubies: RubyFunctions) -> None:
        answer = await rubies.run("", handler="missing.handler")
        assert document(answer)["errorType"] == "Init<LoadError>"
