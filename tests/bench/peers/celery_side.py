"""Celery in the benchmark: its app, and a sender that is asked by JSON lines on standard input."""

import json
import os
import sys
import time

from celery import Celery

ENDPOINT = os.environ["AWS_ENDPOINT_URL"]
HOST = ENDPOINT.split("://")[1]
QUEUE_URL = os.environ["CELERY_QUEUE_URL"]
POLL_SECONDS = 0.005
KEY, SECRET = "test", "test"

app = Celery("bench", broker=f"sqs://{KEY}:{SECRET}@{HOST}", backend=f"dynamodb://{KEY}:{SECRET}@us-east-1/{os.environ['CELERY_TABLE']}")
app.conf.update(
    task_default_queue="celery",
    task_serializer="json",
    result_serializer="json",
    accept_content=["json"],
    # It would ask SQS for queues of its own, and send events that nobody reads.
    worker_enable_remote_control=False,
    worker_send_task_events=False,
    worker_hijack_root_logger=False,
    broker_connection_retry_on_startup=True,
    dynamodb_endpoint_url=ENDPOINT,
    broker_transport_options={
        "region": "us-east-1",
        "is_secure": False,
        "wait_time_seconds": 20,
        "polling_interval": 0,
        "predefined_queues": {
            "celery": {"url": QUEUE_URL, "access_key_id": KEY, "secret_access_key": SECRET},
        },
    },
)


@app.task(name="add")
def add(x, y):
    return x + y


def send(count):
    """Sends `count` tasks one by one, as Celery does; answers with the milliseconds."""
    start = time.perf_counter()
    for x in range(count):
        add.delay(x, 1)
    return (time.perf_counter() - start) * 1000


def latency(count):
    samples = []
    for x in range(count):
        start = time.perf_counter()
        result = add.delay(x, 1)
        while result.state != "SUCCESS":
            time.sleep(POLL_SECONDS)
        samples.append((time.perf_counter() - start) * 1000)
    return samples


def get(count):
    samples = []
    for x in range(count):
        start = time.perf_counter()
        add.delay(x, 1).get(interval=POLL_SECONDS)
        samples.append((time.perf_counter() - start) * 1000)
    return samples


COMMANDS = {"send": send, "latency": latency, "get": get}

if __name__ == "__main__":
    for line in sys.stdin:
        question = json.loads(line)
        value = COMMANDS[question["name"]](question["count"])
        print(json.dumps({"value": value}), flush=True)
