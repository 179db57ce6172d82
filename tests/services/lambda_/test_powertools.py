"""Powertools for AWS Lambda, unmodified, out of a layer: Python and TypeScript.  `scripts/install_clients` brings them."""

from __future__ import annotations

import io
import json
import zipfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.node import Account
from tests.services.lambda_.functions import create, zip_of
from tests.services.lambda_.test_end_to_end import eventually, logged

CLIENTS = Path(__file__).parents[3] / ".clients"
PYTHON = CLIENTS / "powertools-python"
TYPESCRIPT = CLIENTS / "powertools-typescript" / "node_modules"
python = pytest.mark.skipif(not PYTHON.is_dir(), reason="Powertools for Python is not installed (scripts/install_clients)")
typescript = pytest.mark.skipif(not TYPESCRIPT.is_dir(), reason="Powertools for TypeScript is not installed (scripts/install_clients)")

ENVIRONMENT = {"POWERTOOLS_SERVICE_NAME": "payment", "POWERTOOLS_METRICS_NAMESPACE": "Shop", "POWERTOOLS_LOG_LEVEL": "INFO"}
PYTHON_TOOLS = """
from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit

logger, metrics, tracer = Logger(), Metrics(), Tracer(disabled=True)

@logger.inject_lambda_context(correlation_id_path="order")
@tracer.capture_lambda_handler
@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event, context):
    logger.append_keys(customer="Ada")
    logger.info("paid", extra={"amount": event["amount"]})
    logger.debug("not shown")
    metrics.add_metric(name="Payments", unit=MetricUnit.Count, value=1)
    metrics.add_dimension(name="currency", value="EUR")
    return charge(event["amount"])

@tracer.capture_method
def charge(amount):
    return {"charged": amount}
"""
PYTHON_BATCH = """
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response

processor = BatchProcessor(event_type=EventType.SQS)

def work(record):
    print("working on", record.body)
    if record.body == "bad":
        raise ValueError("no good")

def handler(event, context):
    return process_partial_response(event=event, record_handler=work, processor=processor, context=context)
"""
NODE_TOOLS = """
import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import { Tracer } from '@aws-lambda-powertools/tracer';

const logger = new Logger();
const metrics = new Metrics();
const tracer = new Tracer({ enabled: false });

export const handler = async (event, context) => {
  logger.addContext(context);
  logger.appendKeys({ customer: 'Ada' });
  logger.info('paid', { amount: event.amount });
  logger.debug('not shown');
  metrics.captureColdStartMetric(context.functionName);
  metrics.addDimension('currency', 'EUR');
  metrics.addMetric('Payments', MetricUnit.Count, 1);
  metrics.publishStoredMetrics();
  return { charged: event.amount, traced: tracer.isTracingEnabled() };
};
"""
NODE_BATCH = """
const { BatchProcessor, EventType, processPartialResponse } = require('@aws-lambda-powertools/batch');
const processor = new BatchProcessor(EventType.SQS);
const work = async (record) => {
  console.log('working on', record.body);
  if (record.body === 'bad') throw new Error('no good');
};
exports.handler = (event, context) => processPartialResponse(event, work, processor, { context });
"""


@cache
def layer(root: Path, inside: str, endings: tuple[str, ...]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for path in sorted(root.rglob("*")):
            if path.is_file() and path.suffix in endings and "__pycache__" not in path.parts:
                archive.write(path, f"{inside}/{path.relative_to(root)}")
    return buffer.getvalue()


def with_python(aws: Account, code: str, **settings: Any) -> None:
    made = aws.lambda_.publish_layer_version(LayerName="powertools", Content={"ZipFile": layer(PYTHON, "python", (".py", ".json", ".typed"))})
    create(aws, code=code, Layers=[made["LayerVersionArn"]], Environment={"Variables": ENVIRONMENT}, Timeout=30, MemorySize=512, **settings)


def with_node(aws: Account, files: dict[str, str | bytes], **settings: Any) -> None:
    content = layer(TYPESCRIPT, "nodejs/node_modules", (".js", ".cjs", ".mjs", ".json"))
    made = aws.lambda_.publish_layer_version(LayerName="powertools", Content={"ZipFile": content})
    given = {"Runtime": "nodejs20.x", "Code": {"ZipFile": zip_of(files)}, "Layers": [made["LayerVersionArn"]]}
    create(aws, Environment={"Variables": ENVIRONMENT}, Timeout=30, MemorySize=512, **given, **settings)


def documents(aws: Account) -> list[dict[str, Any]]:
    """What the function wrote in JSON."""
    return [json.loads(message) for message in logged(aws, "payment")]


def check_tools(aws: Account) -> None:
    answer = aws.lambda_.invoke(FunctionName="f", Payload=json.dumps({"amount": 12, "order": "o-1"}))
    assert "FunctionError" not in answer, answer["Payload"].read()
    assert json.load(answer["Payload"])["charged"] == 12
    said = eventually(lambda: len(found := documents(aws)) >= 3 and found)
    (line,) = [each for each in said if "message" in each]
    assert (line["message"], line["level"], line["service"], line["customer"], line["amount"]) == ("paid", "INFO", "payment", "Ada", 12)
    assert line["function_name"] == "f"
    assert line["function_request_id"] == answer["ResponseMetadata"]["RequestId"]
    assert (line["cold_start"], line["function_arn"]) == (True, aws.lambda_.get_function(FunctionName="f")["Configuration"]["FunctionArn"])
    metrics = {each["_aws"]["CloudWatchMetrics"][0]["Metrics"][0]["Name"]: each for each in said if "_aws" in each}
    assert set(metrics) == {"ColdStart", "Payments"}
    assert metrics["Payments"]["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "Shop"
    assert metrics["Payments"]["currency"] == "EUR"


def check_batch(aws: Account) -> None:
    """Of a batch only the bad message stays in the queue."""
    permissions = {"Effect": "Allow", "Action": ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"], "Resource": "*"}
    aws.iam.put_role_policy(RoleName="runner", PolicyName="read", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [permissions]}))
    queue = aws.sqs.create_queue(QueueName="work", Attributes={"VisibilityTimeout": "600"})["QueueUrl"]
    arn = aws.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    entries = [{"Id": str(i), "MessageBody": body} for i, body in enumerate(["good", "bad", "better"])]
    aws.sqs.send_message_batch(QueueUrl=queue, Entries=entries)
    aws.lambda_.create_event_source_mapping(FunctionName="f", EventSourceArn=arn, BatchSize=10, FunctionResponseTypes=["ReportBatchItemFailures"])
    worked = eventually(lambda: len(found := working(aws)) >= 3 and found)
    assert sorted(worked) == ["bad", "better", "good"]
    eventually(lambda: in_flight(aws, queue) == 1)


def working(aws: Account) -> list[str]:
    return [message.rstrip().rpartition(" ")[2] for message in logged(aws, "working on")]


def in_flight(aws: Account, queue: str) -> int:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    counts = aws.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"]
    return sum(int(value) for value in counts.values())


@python
def test_logger_metrics_and_tracer_of_python(aws: Account) -> None:
    with_python(aws, PYTHON_TOOLS)
    check_tools(aws)


@python
def test_the_batch_processor_of_python(aws: Account) -> None:
    with_python(aws, PYTHON_BATCH)
    check_batch(aws)


@typescript
def test_logger_metrics_and_tracer_of_typescript(aws: Account) -> None:
    with_node(aws, {"index.mjs": NODE_TOOLS})
    check_tools(aws)


@typescript
def test_the_batch_processor_of_typescript(aws: Account) -> None:
    with_node(aws, {"index.js": NODE_BATCH})
    check_batch(aws)


PYTHON_IDEMPOTENCY = """
from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer, IdempotencyConfig, idempotent

store = DynamoDBPersistenceLayer(table_name="idempotency")
config = IdempotencyConfig(event_key_jmespath="order", payload_validation_jmespath="amount", raise_on_no_idempotency_key=True)

@idempotent(persistence_store=store, config=config)
def handler(event, context):
    print("charging", event["order"])
    if event["amount"] < 0:
        raise ValueError("no good")
    return {"charged": event["amount"], "request": context.aws_request_id}
"""
NODE_IDEMPOTENCY = """
import { IdempotencyConfig, makeIdempotent } from '@aws-lambda-powertools/idempotency';
import { DynamoDBPersistenceLayer } from '@aws-lambda-powertools/idempotency/dynamodb';

const persistenceStore = new DynamoDBPersistenceLayer({ tableName: 'idempotency' });
const config = new IdempotencyConfig({ eventKeyJmesPath: 'order', payloadValidationJmesPath: 'amount', throwOnNoIdempotencyKey: true });

export const handler = makeIdempotent(
  async (event, context) => {
    console.log('charging', event.order);
    if (event.amount < 0) throw new Error('no good');
    return { charged: event.amount, request: context.awsRequestId };
  },
  { persistenceStore, config },
);
"""


def table(aws: Account, name: str) -> None:
    """A table with the key `id`, whose items the function may use."""
    attributes, keys = [{"AttributeName": "id", "AttributeType": "S"}], [{"AttributeName": "id", "KeyType": "HASH"}]
    aws.dynamodb.create_table(TableName=name, AttributeDefinitions=attributes, KeySchema=keys, BillingMode="PAY_PER_REQUEST")
    aws.dynamodb.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 0.1, "MaxAttempts": 100})
    allowed = {"Effect": "Allow", "Action": "dynamodb:*Item", "Resource": f"arn:aws:dynamodb:us-east-1:{aws.id}:table/{name}"}
    aws.iam.put_role_policy(RoleName="runner", PolicyName="table", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allowed]}))


def check_idempotency(aws: Account) -> None:
    """One order is charged once; another amount for it is refused; a failure is not remembered."""
    table(aws, "idempotency")

    def pay(order: str, amount: int) -> tuple[dict[str, Any], str]:
        answer = aws.lambda_.invoke(FunctionName="f", Payload=json.dumps({"order": order, "amount": amount}))
        return json.load(answer["Payload"]), answer.get("FunctionError", "")

    first, error = pay("o-1", 12)
    assert (first.get("charged"), error) == (12, ""), first
    assert pay("o-1", 12) == (first, ""), "the first answer again"
    refused, error = pay("o-1", 13)
    assert (refused["errorType"], error) == ("IdempotencyValidationError", "Unhandled")
    for _ in range(2):
        assert pay("o-2", -1)[1] == "Unhandled"
    assert pay("o-2", 1)[0]["charged"] == 1
    charges = eventually(lambda: len(found := logged(aws, "charging")) >= 4 and found)
    assert sorted(message.split()[-1] for message in charges) == ["o-1", "o-2", "o-2", "o-2"]


@python
def test_idempotency_of_python(aws: Account) -> None:
    with_python(aws, PYTHON_IDEMPOTENCY)
    check_idempotency(aws)


@typescript
def test_idempotency_of_typescript(aws: Account) -> None:
    with_node(aws, {"index.mjs": NODE_IDEMPOTENCY})
    check_idempotency(aws)


PYTHON_PARAMETERS = """
from aws_lambda_powertools.utilities.parameters import DynamoDBProvider

provider = DynamoDBProvider(table_name="parameters")

def handler(event, context):
    return provider.get(event["name"], transform="json")
"""
NODE_PARAMETERS = """
import { DynamoDBProvider } from '@aws-lambda-powertools/parameters/dynamodb';

const provider = new DynamoDBProvider({ tableName: 'parameters' });
export const handler = (event) => provider.get(event.name, { transform: 'json' });
"""


def check_parameters(aws: Account) -> None:
    table(aws, "parameters")
    aws.dynamodb.put_item(TableName="parameters", Item={"id": {"S": "limits"}, "value": {"S": '{"orders": 3}'}})
    answer = aws.lambda_.invoke(FunctionName="f", Payload=json.dumps({"name": "limits"}))
    assert json.load(answer["Payload"]) == {"orders": 3}


@python
def test_parameters_of_python(aws: Account) -> None:
    with_python(aws, PYTHON_PARAMETERS)
    check_parameters(aws)


@typescript
def test_parameters_of_typescript(aws: Account) -> None:
    with_node(aws, {"index.mjs": NODE_PARAMETERS})
    check_parameters(aws)
