"""Runs canvases by Celery itself, in memory: reads a JSON list of shapes, and prints the JSON list of their outcomes."""

import json
import sys

from celery import Celery, chain, chord, group
from celery.contrib.testing.worker import start_worker

app = Celery("twins", broker="memory://", backend="cache+memory://")
app.conf.update(task_serializer="json", accept_content=["json"], result_chord_join_timeout=10, worker_hijack_root_logger=False)


@app.task(name="inc")
def inc(n, by=1):
    return n + by


@app.task(name="double")
def double(n):
    return n * 2


@app.task(name="sum")
def add_up(numbers):
    return sum(numbers)


@app.task(name="echo")
def echo(value):
    return value


@app.task(name="count")
def count(values):
    return len(values)


@app.task(name="fail")
def fail(n=None):
    raise ValueError("broken")


def build(node):
    """A shape of Lovage as Celery writes it: the result before is the first argument."""
    if "task" in node:
        task = app.tasks[node["task"]]
        return (task.si if node.get("immutable") else task.s)(**(node.get("payload") or {}))
    if "chain" in node:
        return chain(*[build(one) for one in node["chain"]])
    return group([build(one) for one in node["group"]])


def outcome(node):
    try:
        result = build(node).apply_async()
        return {"value": result.get(timeout=15)}
    except Exception as error:  # noqa: BLE001: whatever Celery raises is its outcome
        return {"error": type(error).__name__}


with start_worker(app, pool="threads", concurrency=4, perform_ping_check=False, loglevel="CRITICAL"):
    outcomes = [outcome(shape) for shape in json.load(sys.stdin)]
print(json.dumps(outcomes))
