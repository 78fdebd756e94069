"""SQS, by the AWS CLI and boto3."""

import hashlib
import json

import boto3
import pytest
from botocore.exceptions import ClientError


def test_cli_creates_finds_and_deletes_a_queue(aws, name):
    url = aws("sqs", "create-queue", "--queue-name", name).json["QueueUrl"]
    assert url.endswith(f"/{name}")
    assert aws("sqs", "get-queue-url", "--queue-name", name).json == {"QueueUrl": url}
    assert aws("sqs", "list-queues", "--queue-name-prefix", name).json == {"QueueUrls": [url]}
    assert aws("sqs", "delete-queue", "--queue-url", url).text == ""


def test_cli_lists_no_queues_as_nothing(aws):
    assert aws("sqs", "list-queues", "--queue-name-prefix", "nobody-has-this").text == ""


def test_cli_says_that_a_queue_is_not_there(aws):
    answer = aws("sqs", "get-queue-url", "--queue-name", "not-there")
    # 254 since the last years of version 1, 255 before.
    assert answer.code in (254, 255)
    assert "(AWS.SimpleQueueService.NonExistentQueue)" in answer.error
    assert "The specified queue does not exist" in answer.error


def test_cli_sends_receives_and_deletes(aws, queue):
    sent = aws("sqs", "send-message", "--queue-url", queue, "--message-body", "hello").json
    assert sent["MD5OfMessageBody"] == hashlib.md5(b"hello").hexdigest()
    [message] = aws("sqs", "receive-message", "--queue-url", queue).json["Messages"]
    assert set(message) == {"MessageId", "ReceiptHandle", "MD5OfBody", "Body"}
    assert message["MessageId"] == sent["MessageId"]
    delete = ("sqs", "delete-message", "--queue-url", queue, "--receipt-handle", message["ReceiptHandle"])
    assert (aws(*delete).code, aws(*delete).text) == (0, "")
    assert aws("sqs", "receive-message", "--queue-url", queue).text == ""


def test_cli_sends_attributes(aws, queue):
    attributes = {"task": {"DataType": "String", "StringValue": "add"}}
    words = ("--message-body", "x", "--message-attributes", json.dumps(attributes))
    assert "MD5OfMessageAttributes" in aws("sqs", "send-message", "--queue-url", queue, *words).json
    words = ("--message-attribute-names", "ta.*", "--attribute-names", "All")
    [message] = aws("sqs", "receive-message", "--queue-url", queue, *words).json["Messages"]
    assert message["MessageAttributes"] == {"task": {"StringValue": "add", "DataType": "String"}}
    assert message["Attributes"]["ApproximateReceiveCount"] == "1"


def test_cli_sends_and_deletes_batches(aws, queue):
    entries = [{"Id": str(n), "MessageBody": f"body {n}"} for n in range(3)]
    sent = aws("sqs", "send-message-batch", "--queue-url", queue, "--entries", json.dumps(entries)).json
    assert [entry["Id"] for entry in sent["Successful"]] == ["0", "1", "2"]
    assert "Failed" not in sent
    received = aws("sqs", "receive-message", "--queue-url", queue, "--max-number-of-messages", "10").json["Messages"]
    handles = [{"Id": str(n), "ReceiptHandle": message["ReceiptHandle"]} for n, message in enumerate(received)]
    deleted = aws("sqs", "delete-message-batch", "--queue-url", queue, "--entries", json.dumps(handles)).json
    assert deleted == {"Successful": [{"Id": handle["Id"]} for handle in handles]}


def test_cli_reads_and_sets_attributes(aws, queue):
    assert aws("sqs", "set-queue-attributes", "--queue-url", queue, "--attributes", "VisibilityTimeout=5").text == ""
    names = ("--attribute-names", "VisibilityTimeout", "DelaySeconds")
    asked = aws("sqs", "get-queue-attributes", "--queue-url", queue, *names).json
    assert asked == {"Attributes": {"VisibilityTimeout": "5", "DelaySeconds": "0"}}
    assert aws("sqs", "get-queue-attributes", "--queue-url", queue).text == ""
    every = aws("sqs", "get-queue-attributes", "--queue-url", queue, "--attribute-names", "All").json["Attributes"]
    expected = {"QueueArn", "ApproximateNumberOfMessages", "CreatedTimestamp", "SqsManagedSseEnabled"}
    assert expected <= set(every)
    assert "RedrivePolicy" not in every


def test_cli_refuses_an_unknown_attribute(aws, name):
    answer = aws("sqs", "create-queue", "--queue-name", name, "--attributes", "VisibilityTimeOut=5")
    assert answer.code != 0
    assert "(InvalidAttributeName)" in answer.error and "Unknown Attribute VisibilityTimeOut." in answer.error


def test_cli_tags_a_queue(aws, queue):
    assert aws("sqs", "list-queue-tags", "--queue-url", queue).text == ""
    assert aws("sqs", "tag-queue", "--queue-url", queue, "--tags", "team=blue").text == ""
    assert aws("sqs", "list-queue-tags", "--queue-url", queue).json == {"Tags": {"team": "blue"}}
    assert aws("sqs", "untag-queue", "--queue-url", queue, "--tag-keys", "team").text == ""


def test_cli_purges(aws, sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    assert aws("sqs", "purge-queue", "--queue-url", queue).text == ""
    assert aws("sqs", "receive-message", "--queue-url", queue).text == ""


def test_cli_lists_the_sources_of_dead_letters(aws, sqs, queue, name):
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": "2"})
    source = sqs.create_queue(QueueName=f"{name}-source", Attributes={"RedrivePolicy": policy})["QueueUrl"]
    assert aws("sqs", "list-dead-letter-source-queues", "--queue-url", queue).json == {"queueUrls": [source]}
    sqs.delete_queue(QueueUrl=source)


def test_cli_changes_visibility(aws, sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    handle = sqs.receive_message(QueueUrl=queue)["Messages"][0]["ReceiptHandle"]
    words = ("--queue-url", queue, "--receipt-handle", handle, "--visibility-timeout", "0")
    assert aws("sqs", "change-message-visibility", *words).text == ""
    assert sqs.receive_message(QueueUrl=queue)["Messages"][0]["Body"] == "x"


def test_a_made_up_handle_is_refused(sqs, queue):
    with pytest.raises(sqs.exceptions.ReceiptHandleIsInvalid) as refused:
        sqs.delete_message(QueueUrl=queue, ReceiptHandle="made up")
    assert refused.value.response["Error"]["Code"] == "ReceiptHandleIsInvalid"


def test_a_queue_of_other_attributes_exists(sqs, queue, name):
    with pytest.raises(sqs.exceptions.QueueNameExists):
        sqs.create_queue(QueueName=name, Attributes={"DelaySeconds": "7"})
    assert sqs.create_queue(QueueName=name)["QueueUrl"] == queue


def test_every_answer_has_a_request_id(sqs, queue):
    assert len(sqs.get_queue_attributes(QueueUrl=queue)["ResponseMetadata"]["RequestId"]) == 36


def test_queues_have_pages(sqs, name):
    urls = [sqs.create_queue(QueueName=f"{name}-{letter}")["QueueUrl"] for letter in "abc"]
    pages = sqs.get_paginator("list_queues").paginate(QueueNamePrefix=name, PaginationConfig={"PageSize": 2})
    assert sorted(url for page in pages for url in page["QueueUrls"]) == urls
    for url in urls:
        sqs.delete_queue(QueueUrl=url)


def test_fifo_keeps_order_and_drops_twins(sqs, fifo):
    for body, key in [("1", "a"), ("2", "b"), ("1", "a")]:
        sqs.send_message(QueueUrl=fifo, MessageBody=body, MessageGroupId="g", MessageDeduplicationId=key)
    received = sqs.receive_message(QueueUrl=fifo, MaxNumberOfMessages=10, AttributeNames=["All"])["Messages"]
    assert [message["Body"] for message in received] == ["1", "2"]
    assert received[0]["Attributes"]["MessageGroupId"] == "g"
    assert received[0]["Attributes"]["SequenceNumber"] < received[1]["Attributes"]["SequenceNumber"]


def test_fifo_needs_a_group(sqs, fifo):
    with pytest.raises(ClientError) as refused:
        sqs.send_message(QueueUrl=fifo, MessageBody="x", MessageDeduplicationId="a")
    assert refused.value.response["Error"]["Code"] == "MissingParameter"
    assert "must contain the parameter MessageGroupId" in refused.value.response["Error"]["Message"]


def test_resources_of_boto3_send_and_delete(queue):
    resource = boto3.resource("sqs", endpoint_url=queue.rsplit("/", 2)[0]).Queue(queue)
    resource.send_message(MessageBody="x", MessageAttributes={"n": {"DataType": "Number", "StringValue": "7"}})
    [message] = resource.receive_messages(MessageAttributeNames=["All"], WaitTimeSeconds=1)
    assert message.message_attributes["n"] == {"StringValue": "7", "DataType": "Number"}
    message.delete()
    resource.reload()
    assert resource.attributes["ApproximateNumberOfMessages"] == "0"
