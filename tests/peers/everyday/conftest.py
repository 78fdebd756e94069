"""Clients of the cloud at AWS_ENDPOINT_URL, and names that no other test uses."""

import json
import os
import subprocess
from itertools import count

import boto3
import pytest

ENDPOINT = os.environ["AWS_ENDPOINT_URL"]
KEYS = [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]
KEY_TYPES = [{"AttributeName": "pk", "AttributeType": "S"}, {"AttributeName": "sk", "AttributeType": "S"}]
numbers = count(1)


class Answer:
    """The outcome of one command."""

    def __init__(self, run):
        self.code = run.returncode
        self.text = run.stdout
        self.error = run.stderr

    @property
    def json(self):
        assert self.code == 0, self.error
        return json.loads(self.text) if self.text.strip() else None


@pytest.fixture(scope="session")
def aws():
    """Runs one command of the AWS CLI: `aws("sqs", "list-queues")`."""

    def run(*words, stdin=None):
        command = ["aws", "--endpoint-url", ENDPOINT, "--output", "json", *map(str, words)]
        return Answer(subprocess.run(command, capture_output=True, text=True, input=stdin, timeout=60))

    return run


@pytest.fixture(scope="session")
def sqs():
    return boto3.client("sqs", endpoint_url=ENDPOINT)


@pytest.fixture(scope="session")
def s3():
    return boto3.client("s3", endpoint_url=ENDPOINT)


@pytest.fixture(scope="session")
def dynamodb():
    return boto3.client("dynamodb", endpoint_url=ENDPOINT)


@pytest.fixture
def name():
    return f"everyday-{next(numbers)}"


@pytest.fixture
def queue(sqs, name):
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    yield url
    sqs.delete_queue(QueueUrl=url)


@pytest.fixture
def fifo(sqs, name):
    url = sqs.create_queue(QueueName=f"{name}.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    yield url
    sqs.delete_queue(QueueUrl=url)


@pytest.fixture
def bucket(s3, name):
    s3.create_bucket(Bucket=name)
    yield name
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=name):
        for entry in page.get("Contents", []):
            s3.delete_object(Bucket=name, Key=entry["Key"])
    s3.delete_bucket(Bucket=name)


@pytest.fixture
def table(dynamodb, name):
    dynamodb.create_table(
        TableName=name, KeySchema=KEYS, AttributeDefinitions=KEY_TYPES, BillingMode="PAY_PER_REQUEST"
    )
    dynamodb.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1})
    yield name
    dynamodb.delete_table(TableName=name)
