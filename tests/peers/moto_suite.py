"""A pytest plugin that points moto's own tests at another cloud.

AWS_ENDPOINT_URL: the cloud. LOVAGE_RESET: the address whose POST empties it. LOVAGE_ACCOUNT: its account.
"""

import os
import random
import uuid
from urllib.request import Request, urlopen

import moto.core
import moto.core.models
import pytest
import tests
import tests.conftest
import tests.test_s3
from moto.core.config import default_user_config
from moto.core.models import ServerModeMockAWS

ACCOUNT = os.environ["LOVAGE_ACCOUNT"]


def reset(_mock):
    with urlopen(Request(os.environ["LOVAGE_RESET"], method="POST"), timeout=30) as answer:
        answer.read()


@pytest.fixture
def account_id():
    """The suite's own asks STS."""
    return ACCOUNT


def empty_bucket(client, bucket_name):
    """The suite's own lists versions, so that each of its tests would need versions."""
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket_name):
        for entry in page.get("Contents", []):
            client.delete_object(Bucket=bucket_name, Key=entry["Key"])


def pytest_runtest_setup(item):
    random.seed(item.nodeid)


def repeatable_uuid4():
    """Names that tests draw, and so the order of what has these names, are the same in each run."""
    return uuid.UUID(int=random.getrandbits(128), version=4)


# All of this happens before the modules of tests are loaded, which take these names from here.
ServerModeMockAWS.reset = reset
uuid.uuid4 = repeatable_uuid4
# The clouds know the key pair of the environment, not moto's own.
default_user_config["core"]["mock_credentials"] = False
moto.core.DEFAULT_ACCOUNT_ID = moto.core.models.DEFAULT_ACCOUNT_ID = tests.DEFAULT_ACCOUNT_ID = ACCOUNT
tests.conftest.account_id = account_id
tests.test_s3.empty_bucket = empty_bucket
