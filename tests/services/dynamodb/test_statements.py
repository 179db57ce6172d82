"""PartiQL against tables: statements alone, in batches, in transactions."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.node import Account
from tests.services.dynamodb.making import make_table

Item = dict[str, Any]


@pytest.fixture
def music(aws: Account) -> Account:
    """A table of songs by artist (`p`) and number (`c`), with an index by genre (`g`)."""
    aws.dynamodb.create_table(
        TableName="music",
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "c", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": kind} for name, kind in (("p", "S"), ("c", "N"), ("g", "S"))],
        GlobalSecondaryIndexes=[
            {"IndexName": "by-genre", "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}], "Projection": {"ProjectionType": "ALL"}}
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    aws.dynamodb.get_waiter("table_exists").wait(TableName="music", WaiterConfig={"Delay": 1})
    return aws


def run(aws: Account, text: str, *parameters: Item, **more: Any) -> list[Item]:
    if parameters:
        more["Parameters"] = list(parameters)
    return aws.dynamodb.execute_statement(Statement=text, **more)["Items"]


def fill(aws: Account, artist: str, count: int) -> None:
    for number in range(count):
        run(aws, f"INSERT INTO music VALUE {{'p': '{artist}', 'c': ?, 'g': 'jazz', 't': 'song'}}", {"N": str(number)})


def numbers(items: list[Item]) -> list[int]:
    return [int(item["c"]["N"]) for item in items]


def refusal(text: str, aws: Account, *parameters: Item, **more: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as refused:
        run(aws, text, *parameters, **more)
    error = refused.value.response["Error"]
    return error["Code"], error["Message"]


def test_what_was_inserted_is_selected(music: Account) -> None:
    run(music, "INSERT INTO music VALUE {'p': 'a', 'c': 1, 'tags': <<'x', 'y'>>, 'm': {'k': [1, ?]}}", {"S": "deep"})
    item = {"p": {"S": "a"}, "c": {"N": "1"}, "tags": {"SS": ["x", "y"]}, "m": {"M": {"k": {"L": [{"N": "1"}, {"S": "deep"}]}}}}
    assert run(music, "SELECT * FROM music WHERE p = 'a' AND c = 1") == [item]
    assert music.dynamodb.get_item(TableName="music", Key={"p": {"S": "a"}, "c": {"N": "1"}})["Item"] == item
    assert run(music, "SELECT m.k[1], c FROM music WHERE p = 'a'") == [{"k[1]": {"S": "deep"}, "c": {"N": "1"}}]


def test_insert_replaces_nothing(music: Account) -> None:
    fill(music, "a", 1)
    assert refusal("INSERT INTO music VALUE {'p': 'a', 'c': 0}", music) == ("DuplicateItemException", "Duplicate primary key exists in table")
    assert refusal("INSERT INTO music VALUE {'p': 'a'}", music)[1] == "One or more parameter values were invalid: Missing the key c in the item"


def test_items_are_found_by_key_by_index_and_by_looking_at_all(music: Account) -> None:
    fill(music, "a", 4)
    fill(music, "b", 2)
    assert numbers(run(music, "SELECT * FROM music WHERE p = 'a' AND c > 1")) == [2, 3]
    assert numbers(run(music, "SELECT * FROM music WHERE p = 'a' ORDER BY c DESC")) == [3, 2, 1, 0]
    assert numbers(run(music, "SELECT * FROM music WHERE p IN ['b', 'a'] AND c <= 1")) == [0, 1, 0, 1]
    assert sorted(numbers(run(music, 'SELECT * FROM "music"."by-genre" WHERE g = ?', {"S": "jazz"}))) == [0, 0, 1, 1, 2, 3]
    assert numbers(run(music, "SELECT c FROM music WHERE c = 3 AND t = 'song'")) == [3]
    assert run(music, "SELECT * FROM music WHERE p = 'a' AND (c = 1 OR c = 9) AND x IS MISSING")[0]["c"] == {"N": "1"}


@pytest.mark.parametrize("clause", ["p = 'a'", "p IN ['a', 'b', 'c']", "t = 'song'"])
def test_pages_follow_one_another(music: Account, clause: str) -> None:
    fill(music, "a", 5)
    fill(music, "c", 2)
    text = f"SELECT * FROM music WHERE {clause}"
    seen: list[Item] = []
    token: str | None = None
    for _ in range(20):
        answer = music.dynamodb.execute_statement(Statement=text, Limit=2, **({"NextToken": token} if token else {}))
        assert len(answer["Items"]) <= 2
        seen += answer["Items"]
        token = answer.get("NextToken")
        if token is None:
            break
    whole = run(music, text)
    assert sorted(map(str, seen)) == sorted(map(str, whole))
    assert len(whole) == (5 if clause == "p = 'a'" else 7)


def test_a_token_is_of_its_statement(music: Account) -> None:
    fill(music, "a", 3)
    token = music.dynamodb.execute_statement(Statement="SELECT * FROM music", Limit=1)["NextToken"]
    code, message = refusal("SELECT c FROM music", music, NextToken=token)
    assert (code, message) == ("ValidationException", "Given NextToken is not valid for the statement")


def test_update_changes_an_item_that_is_there(music: Account) -> None:
    fill(music, "a", 1)
    text = "UPDATE music SET plays = if_not_exists(plays, 0) + 1 SET tags = ? REMOVE t WHERE p = 'a' AND c = 0 RETURNING ALL NEW *"
    after = {"p": {"S": "a"}, "c": {"N": "0"}, "g": {"S": "jazz"}, "plays": {"N": "1"}, "tags": {"SS": ["x"]}}
    assert run(music, text, {"SS": ["x"]}) == [after]
    assert run(music, "UPDATE music SET plays = plays + 1 WHERE p = 'a' AND c = 0 RETURNING MODIFIED OLD *") == [{"plays": {"N": "1"}}]
    assert run(music, "UPDATE music SET tags = set_add(tags, <<'y'>>) WHERE p = 'a' AND c = 0") == []
    assert run(music, "SELECT plays, tags FROM music WHERE p = 'a' AND c = 0") == [{"plays": {"N": "2"}, "tags": {"SS": ["x", "y"]}}]


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("UPDATE music SET x = 1 WHERE p = 'a' AND c = 9", "ConditionalCheckFailedException", "The conditional request failed"),
        ("UPDATE music SET x = 1 WHERE p = 'a' AND c = 0 AND t = 'other'", "ConditionalCheckFailedException", "The conditional request failed"),
        ("DELETE FROM music WHERE p = 'a' AND c = 0 AND t = 'other'", "ConditionalCheckFailedException", "The conditional request failed"),
        ("DELETE FROM music WHERE p = 'a' AND c = 'x'", "ValidationException", "The provided key element does not match the schema"),
        (
            "UPDATE music SET x = 1 WHERE p = 'a'",
            "ValidationException",
            "Where clause does not contain a mandatory equality on all key attributes",
        ),
        (
            "UPDATE music SET c = 1 WHERE p = 'a' AND c = 0",
            "ValidationException",
            "One or more parameter values were invalid: Cannot update attribute c. This attribute is part of the key",
        ),
        ("SELECT * FROM nowhere", "ResourceNotFoundException", "Requested resource not found"),
        ('SELECT * FROM "music"."none"', "ValidationException", "The table does not have the specified index"),
        (
            "SELECT * FROM music WHERE t = 'x' ORDER BY c",
            "ValidationException",
            "Must have at least one non-optional hash key condition in WHERE clause when using ORDER BY clause.",
        ),
        ("SELECT * FROM music ORDER BY c", "ValidationException", "Must have WHERE clause in the statement when using ORDER BY clause."),
        (
            "SELECT * FROM music WHERE p = 'a' ORDER BY t",
            "ValidationException",
            "Variable reference t in ORDER BY clause must be part of the primary key",
        ),
    ],
)
def test_what_cannot_be_done_is_refused(music: Account, text: str, code: str, message: str) -> None:
    fill(music, "a", 1)
    assert refusal(text, music) == (code, message)


def test_delete_removes_one_item(music: Account) -> None:
    fill(music, "a", 2)
    assert run(music, "DELETE FROM music WHERE p = 'a' AND c = 9") == []
    removed = run(music, "DELETE FROM music WHERE p = 'a' AND c = 1 AND t = 'song' RETURNING ALL OLD *")
    assert removed == [{"p": {"S": "a"}, "c": {"N": "1"}, "g": {"S": "jazz"}, "t": {"S": "song"}}]
    assert numbers(run(music, "SELECT * FROM music")) == [0]


def test_a_failed_condition_may_show_the_item(music: Account) -> None:
    fill(music, "a", 1)
    with pytest.raises(ClientError) as refused:
        run(music, "UPDATE music SET x = 1 WHERE p = 'a' AND c = 0 AND t = 'other'", ReturnValuesOnConditionCheckFailure="ALL_OLD")
    assert refused.value.response["Item"]["t"] == {"S": "song"}  # type: ignore[typeddict-item]


def test_capacity_is_told(music: Account) -> None:
    fill(music, "a", 1)
    answer = music.dynamodb.execute_statement(Statement="SELECT * FROM music WHERE p = 'a'", ReturnConsumedCapacity="TOTAL")
    assert answer["ConsumedCapacity"] == {"TableName": "music", "CapacityUnits": 0.5}
    text = "SELECT * FROM music WHERE p IN ['a', 'b']"
    assert music.dynamodb.execute_statement(Statement=text, ReturnConsumedCapacity="TOTAL")["ConsumedCapacity"]["CapacityUnits"] == 1.0


def test_each_statement_of_a_batch_stands_for_itself(music: Account) -> None:
    fill(music, "a", 2)
    writes = ["INSERT INTO music VALUE {'p': 'a', 'c': 0}", "UPDATE music SET x = 1 WHERE p = 'a' AND c = 1", "SELEKT"]
    first, second, third = music.dynamodb.batch_execute_statement(Statements=[{"Statement": text} for text in writes])["Responses"]
    assert first == {"TableName": "music", "Error": {"Code": "DuplicateItem", "Message": "Duplicate primary key exists in table"}}
    assert second == {"TableName": "music"}
    assert third["Error"]["Code"] == "ValidationError"  # type: ignore[typeddict-item]
    reads = ["SELECT x FROM music WHERE p = 'a' AND c = 1", "SELECT * FROM music WHERE p = 'a' AND c = 7", "SELECT * FROM music WHERE p = 'a'"]
    found, absent, partial = music.dynamodb.batch_execute_statement(Statements=[{"Statement": text} for text in reads])["Responses"]
    assert found == {"TableName": "music", "Item": {"x": {"N": "1"}}}
    assert absent == {"TableName": "music"}
    assert partial["Error"]["Message"] == (  # type: ignore[typeddict-item]
        "Select statements within BatchExecuteStatement must specify the primary key in the where clause."
    )


def together(aws: Account, *texts: str, **more: Any) -> list[Item]:
    return aws.dynamodb.execute_transaction(TransactStatements=[{"Statement": text} for text in texts], **more)["Responses"]


def test_a_transaction_writes_all_or_nothing(music: Account) -> None:
    fill(music, "a", 1)
    with pytest.raises(ClientError) as refused:
        together(music, "INSERT INTO music VALUE {'p': 'n', 'c': 1}", "INSERT INTO music VALUE {'p': 'a', 'c': 0}")
    reasons = refused.value.response["CancellationReasons"]  # type: ignore[typeddict-item]
    assert reasons == [{"Code": "None"}, {"Code": "DuplicateItem", "Message": "Duplicate primary key exists in table"}]
    assert run(music, "SELECT * FROM music WHERE p = 'n'") == []
    exists = "EXISTS(SELECT * FROM music WHERE p = 'a' AND c = 0 AND t = 'song')"
    assert together(music, exists, "INSERT INTO music VALUE {'p': 'n', 'c': 1}") == []
    assert together(music, "SELECT p FROM music WHERE p = 'n' AND c = 1", "SELECT * FROM music WHERE p = 'x' AND c = 1") == [
        {"Item": {"p": {"S": "n"}}},
        {},
    ]


def test_a_statement_that_cannot_be_in_a_transaction_is_named(music: Account) -> None:
    fill(music, "a", 1)
    for text, message in (
        ("SELECT * FROM music WHERE", "Statement wasn't well formed, can't be processed: Unexpected term"),
        (
            "SELECT * FROM music WHERE p = 'a' AND c = 0 AND attribute_exists(t)",
            "Select statements within ExecuteTransaction must specify the primary key in the where clause.",
        ),
        ("EXISTS(SELECT * FROM music WHERE p = 'a' AND c = 0)", "EXISTS() must contain a single item read with additional condition"),
    ):
        with pytest.raises(ClientError) as refused:
            together(music, text)
        assert refused.value.response["Error"]["Message"] == f"Validation failed in TransactStatements[0]: {message}"


def test_a_transaction_with_a_token_is_done_once(music: Account) -> None:
    insert = "INSERT INTO music VALUE {'p': 'n', 'c': 1}"
    together(music, insert, ClientRequestToken="once")
    together(music, insert, ClientRequestToken="once")
    with pytest.raises(ClientError) as refused:
        together(music, "INSERT INTO music VALUE {'p': 'n', 'c': 2}", ClientRequestToken="once")
    assert refused.value.response["Error"]["Code"] == "IdempotentParameterMismatchException"


def test_reads_and_writes_do_not_mix(music: Account) -> None:
    read, write = "SELECT * FROM music WHERE p = 'a' AND c = 0", "DELETE FROM music WHERE p = 'a' AND c = 0"
    for call in (
        lambda: together(music, read, write),
        lambda: music.dynamodb.batch_execute_statement(Statements=[{"Statement": read}, {"Statement": write}]),
    ):
        with pytest.raises(ClientError, match="either all reads or all writes"):
            call()


def test_parameters_may_not_be_an_empty_list(music: Account) -> None:
    with pytest.raises(ClientError) as refused:
        music.client("dynamodb", config=Config(parameter_validation=False)).execute_statement(Statement="SELECT * FROM music", Parameters=[])
    assert refused.value.response["Error"]["Message"] == (
        "1 validation error detected: Value '[]' at 'parameters' failed to satisfy constraint: Member must have length greater than or equal to 1"
    )


def test_indexes_that_are_not_there_or_lag_are_refused_in_partiqls_words(aws: Account) -> None:
    name = make_table(aws, gsi="g:S")
    missing = ("ValidationException", "The table does not have the specified index")
    assert refusal(f'SELECT * FROM "{name}"."none"', aws) == missing
    assert refusal(f'SELECT * FROM "{name}"."none"', aws, ConsistentRead=True) == missing
    stale = ("ValidationException", "Strongly consistent read is not supported on Global Secondary Indexes")
    assert refusal(f'SELECT * FROM "{name}"."by-g"', aws, ConsistentRead=True) == stale
