"""A pytest plugin that writes down how each test ended, and whether it asked the cloud anything.

LOVAGE_OUTCOMES: the file that gets one JSON object a line: id, outcome, asked, message.
AWS_ENDPOINT_URL: the cloud.
"""

import json
import os
from urllib.parse import urlsplit

import pytest
from urllib3.connectionpool import HTTPConnectionPool

PORT = urlsplit(os.environ["AWS_ENDPOINT_URL"]).port
MAX_MESSAGE_CHARACTERS = 400

outcomes = open(os.environ["LOVAGE_OUTCOMES"], "w", encoding="utf-8")
asked = False
ended = {}

urlopen = HTTPConnectionPool.urlopen


def noting_urlopen(self, *args, **kwargs):
    """botocore and requests both send with urllib3."""
    global asked
    asked = asked or self.port == PORT
    return urlopen(self, *args, **kwargs)


HTTPConnectionPool.urlopen = noting_urlopen


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item, nextitem):
    global asked
    asked = False
    answer = yield
    outcome, message = ended.pop(item.nodeid, ("failed", "It has no outcome."))
    write(item.nodeid, outcome, message)
    return answer


def pytest_runtest_logreport(report):
    """Setup, call and teardown report one after another: the first that is not passed says how the test ended."""
    outcome, _ = ended.get(report.nodeid, ("passed", ""))
    if outcome == "passed":
        ended[report.nodeid] = (report.outcome, message_of(report))


def pytest_collectreport(report):
    if report.failed:
        write(report.nodeid, "failed", message_of(report))


def message_of(report):
    crash = getattr(report.longrepr, "reprcrash", None)
    message = crash.message if crash is not None else str(report.longrepr or "")
    return message[:MAX_MESSAGE_CHARACTERS]


def write(test, outcome, message):
    outcomes.write(json.dumps({"id": test, "outcome": outcome, "asked": asked, "message": message}) + "\n")
    outcomes.flush()
