"""The console in a real browser, on a real node, beside boto3."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.console.browser import Browser, find_browser
from tests.node import Account, RunningNode

SCRIPT = Path(__file__).parents[2] / "scripts" / "build_console"
CTRL = 2

pytestmark = [
    pytest.mark.skipif(find_browser() is None, reason="Chromium is not installed"),
    pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed"),
]


@pytest.fixture(scope="module")
def own_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNode]:
    subprocess.run([SCRIPT], check=True, timeout=300)
    with RunningNode(tmp_path_factory.mktemp("console")) as running:
        yield running


@pytest.fixture(scope="module")
def account(own_node: RunningNode) -> Account:
    return own_node.fresh_account()


@pytest.fixture(scope="module")
def one_browser(own_node: RunningNode, account: Account, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser whose tab is root of the account, as a person would say it: by the form."""
    program = find_browser()
    assert program is not None
    with Browser(program, tmp_path_factory.mktemp("profile")) as browser:
        browser.look(1280, 900)
        browser.open(own_node.url + "/")
        browser.press("test · us-east-1")
        browser.type_into("input[name=key]", account.id)
        browser.press("Use these")
        browser.sees(f"arn:aws:iam::{account.id}:root")
        yield browser


@pytest.fixture
def browser(one_browser: Browser) -> Iterator[Browser]:
    """A test fails, too, when its pages raised, or loaded what the content security policy forbids."""
    one_browser.look(1280, 900)
    one_browser.faults.clear()
    yield one_browser
    assert one_browser.faults == []


@pytest.fixture(scope="module")
def greeter(account: Account) -> str:
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    role = account.iam.create_role(RoleName="greeter-role", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}))
    account.iam.attach_role_policy(RoleName="greeter-role", PolicyArn="arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole")
    code = 'def handler(event, context):\n    print("greeting", event["name"])\n    return {"hello": event["name"]}\n'
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.writestr("app.py", code)
    account.lambda_.create_function(
        FunctionName="greeter",
        Runtime="python3.11",
        Handler="app.handler",
        Role=role["Role"]["Arn"],
        Code={"ZipFile": archive.getvalue()},
        Environment={"Variables": {"MARSH": "wide"}},
    )
    account.lambda_.get_waiter("function_active_v2").wait(FunctionName="greeter")
    return "greeter"


def test_a_function_is_found_invoked_by_keyboard_and_answers_with_its_log(own_node: RunningNode, browser: Browser, greeter: str) -> None:
    browser.open(f"{own_node.url}/_console/functions")
    browser.press(greeter)
    browser.type_into("textarea", '{"name": "reed"}')
    browser.key("Enter", 13, CTRL)
    browser.sees("Log tail")
    answer = browser.run("document.querySelector('.answer pre').innerText")
    assert json.loads(answer) == {"hello": "reed"}
    browser.sees("greeting reed")
    browser.type_into("textarea", "{}")
    browser.press("Invoke")
    browser.sees("Unhandled error")
    browser.sees("KeyError")


def test_a_log_is_seen_as_it_arrives(own_node: RunningNode, browser: Browser, account: Account, greeter: str) -> None:
    account.lambda_.invoke(FunctionName=greeter, Payload=b'{"name": "early"}')
    browser.open(f"{own_node.url}/_console/functions/{greeter}?view=Log")
    browser.sees("greeting early")
    browser.press("/aws/lambda/greeter")
    browser.press("Live")
    browser.sees("Nothing yet.")
    account.lambda_.invoke(FunctionName=greeter, Payload=b'{"name": "late"}')
    browser.sees("greeting late")


def test_stored_events_are_found_by_a_filter_pattern(own_node: RunningNode, browser: Browser, account: Account, greeter: str) -> None:
    for name in ("willow", "rush"):
        account.lambda_.invoke(FunctionName=greeter, Payload=json.dumps({"name": name}).encode())
    browser.open(f"{own_node.url}/_console/logs/{quote('/aws/lambda/greeter', safe='')}?pattern=willow")
    browser.sees("greeting willow")
    assert "greeting rush" not in browser.run("document.body.innerText")


def test_a_file_goes_into_a_bucket_and_out_again(own_node: RunningNode, browser: Browser, account: Account, tmp_path: Path) -> None:
    account.s3.create_bucket(Bucket="console-marsh")
    account.s3.put_object(Bucket="console-marsh", Key="über uns/a b+c.txt", Body=b"deep")
    mine = tmp_path / "mine & yours.txt"
    mine.write_bytes(b"from a browser")
    browser.allow_downloads(tmp_path / "downloads")
    browser.open(f"{own_node.url}/_console/buckets")
    browser.press("console-marsh")
    browser.press("über uns/")
    browser.sees("a b+c.txt")
    browser.choose_file("input[type=file]", mine)
    key = "über uns/mine & yours.txt"
    browser.until(f"document.querySelector('[aria-label={json.dumps(f'Download {key}')}]')")
    assert account.s3.get_object(Bucket="console-marsh", Key=key)["Body"].read() == b"from a browser"
    browser.press(f"Download {key}")
    assert browser.downloaded().read_bytes() == b"from a browser"
    browser.agree()
    browser.press(f"Delete {key}")
    browser.until("!document.body.innerText.includes('mine & yours.txt')")
    assert [o["Key"] for o in account.s3.list_objects_v2(Bucket="console-marsh")["Contents"]] == ["über uns/a b+c.txt"]


def test_a_stack_is_seen_with_events_resources_and_outputs(own_node: RunningNode, browser: Browser, account: Account) -> None:
    template = {
        "Resources": {"Group": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "reeds"}}},
        "Outputs": {"Where": {"Value": {"Ref": "Group"}}},
    }
    browser.open(f"{own_node.url}/_console/stacks")
    browser.sees("No stacks yet")
    account.cloudformation.create_stack(StackName="marsh", TemplateBody=json.dumps(template))
    browser.press("marsh")
    browser.sees("CREATE_COMPLETE")
    browser.sees("Resource creation Initiated")
    browser.press("Outputs")
    browser.sees("Where")
    browser.press("Resources")
    browser.press("reeds")
    browser.sees("No such events in the last 24 hours.")


def test_a_role_shows_its_policies_and_explains_what_it_may_not(own_node: RunningNode, browser: Browser, greeter: str) -> None:
    browser.open(f"{own_node.url}/_console/access/role/{greeter}-role")
    browser.sees("logs:CreateLogStream")
    browser.sees("lambda.amazonaws.com")
    browser.press("may it …?")
    browser.type_into("input[name=action]", "s3:GetObject")
    browser.type_into("input[name=resource]", "arn:aws:s3:::marsh/reed")
    browser.press("Ask")
    browser.sees("Denied")
    browser.sees('"Action": "s3:GetObject"')


def test_the_clock_is_frozen_advanced_and_set_free(own_node: RunningNode, browser: Browser) -> None:
    browser.open(f"{own_node.url}/_console/")
    browser.press("Freeze")
    browser.sees("frozen")
    frozen = own_node.get("/_tule/clock")["now_ms"]
    browser.press("+1 hour")
    browser.until(f"fetch('/_tule/clock').then(r => r.json()).then(c => c.now_ms === {frozen + 3_600_000})")
    browser.press("Real time")
    browser.until("fetch('/_tule/clock').then(r => r.json()).then(c => c.mode === 'real')")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("place", ["", "functions", "functions/greeter", "functions/greeter?view=Log", "access", "logs"])
def test_a_narrow_screen_never_scrolls_sideways(own_node: RunningNode, browser: Browser, greeter: str, place: str, scheme: str) -> None:
    browser.look(400, 800, scheme)
    browser.open(f"{own_node.url}/_console/{place}")
    browser.until("!document.querySelector('[aria-busy]') && document.querySelector('main').innerText.length > 20")
    assert browser.run("document.documentElement.scrollWidth <= innerWidth") is True


def test_the_first_tab_skips_the_way_around(own_node: RunningNode, browser: Browser) -> None:
    browser.open(f"{own_node.url}/_console/functions")
    browser.sees("Functions")
    browser.key("Tab", 9)
    assert browser.run("document.activeElement.innerText.trim()") == "Skip to the content"


def test_what_is_refused_is_told_in_awss_words(own_node: RunningNode, one_browser: Browser) -> None:
    one_browser.open(f"{own_node.url}/_console/functions/nobody")
    one_browser.sees("ResourceNotFoundException")
    one_browser.sees("Function not found: arn:aws:lambda:us-east-1:")


def test_a_script_inside_a_page_does_not_run(own_node: RunningNode, one_browser: Browser) -> None:
    one_browser.open(f"{own_node.url}/_console/")
    one_browser.sees("Overview")
    one_browser.faults.clear()
    one_browser.run("(s => { s.textContent = 'window.ran = true'; document.head.append(s); })(document.createElement('script'))")
    assert one_browser.run("window.ran === undefined") is True
    assert any("Content Security Policy" in fault for fault in one_browser.faults)


def test_in_strict_mode_the_console_says_what_it_lacks_and_works_with_the_token(tmp_path: Path) -> None:
    program = find_browser()
    assert program is not None
    with RunningNode(tmp_path / "data", strict=True) as node, Browser(program, tmp_path / "profile") as browser:
        browser.open(node.url + "/")
        browser.sees("In strict mode this needs the token in the data directory's admin.token.")
        browser.sees("The security token included in the request is invalid.")
        browser.press("test · us-east-1")
        browser.type_into("input[name=adminToken]", (tmp_path / "data" / "admin.token").read_text().strip())
        browser.press("Use these")
        browser.sees("Runtimes on this host")
