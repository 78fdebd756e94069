"""DynamoDB, by the AWS CLI and boto3."""

import json
from decimal import Decimal

import boto3
import pytest
from boto3.dynamodb.conditions import Attr, Key
from botocore.exceptions import ClientError

from conftest import ENDPOINT

TYPES = ("AttributeName=pk,AttributeType=S", "AttributeName=sk,AttributeType=S")
KEY = {"pk": {"S": "a"}, "sk": {"S": "1"}}


@pytest.fixture
def rows(table):
    """The table as boto3's resource."""
    return boto3.resource("dynamodb", endpoint_url=ENDPOINT).Table(table)


def test_cli_creates_awaits_describes_and_deletes_a_table(aws, name):
    keys = ("AttributeName=pk,KeyType=HASH", "AttributeName=sk,KeyType=RANGE")
    words = ("--attribute-definitions", *TYPES, "--key-schema", *keys, "--billing-mode", "PAY_PER_REQUEST")
    created = aws("dynamodb", "create-table", "--table-name", name, *words).json["TableDescription"]
    assert created["TableStatus"] in ("CREATING", "ACTIVE")
    assert aws("dynamodb", "wait", "table-exists", "--table-name", name).code == 0
    described = aws("dynamodb", "describe-table", "--table-name", name).json["Table"]
    assert (described["TableStatus"], described["ItemCount"]) == ("ACTIVE", 0)
    assert described["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert name in aws("dynamodb", "list-tables").json["TableNames"]
    assert aws("dynamodb", "delete-table", "--table-name", name).json["TableDescription"]["TableName"] == name
    assert aws("dynamodb", "wait", "table-not-exists", "--table-name", name).code == 0


def test_cli_says_that_a_table_is_not_there(aws):
    answer = aws("dynamodb", "describe-table", "--table-name", "not-there")
    assert answer.code in (254, 255)
    assert "(ResourceNotFoundException)" in answer.error
    assert "Requested resource not found: Table: not-there not found" in answer.error


def test_cli_puts_gets_and_deletes(aws, table):
    item = KEY | {"n": {"N": "7"}}
    assert aws("dynamodb", "put-item", "--table-name", table, "--item", json.dumps(item)).text == ""
    get = ("dynamodb", "get-item", "--table-name", table, "--key", json.dumps(KEY))
    assert aws(*get).json == {"Item": item}
    words = ("--key", json.dumps(KEY), "--return-values", "ALL_OLD")
    assert aws("dynamodb", "delete-item", "--table-name", table, *words).json == {"Attributes": item}
    assert aws(*get).text == ""


def test_cli_updates_under_a_condition(aws, table):
    values = json.dumps({":one": {"N": "1"}})
    words = ("--key", json.dumps(KEY), "--update-expression", "ADD n :one", "--expression-attribute-values", values)
    update = ("dynamodb", "update-item", "--table-name", table, *words, "--return-values", "UPDATED_NEW")
    assert aws(*update).json == {"Attributes": {"n": {"N": "1"}}}
    refused = aws(*update, "--condition-expression", "attribute_not_exists(pk)")
    assert refused.code != 0
    assert "(ConditionalCheckFailedException)" in refused.error
    assert "The conditional request failed" in refused.error


def test_cli_queries_and_scans(aws, dynamodb, table):
    for sk in "123":
        dynamodb.put_item(TableName=table, Item={"pk": {"S": "a"}, "sk": {"S": sk}})
    values = json.dumps({":pk": {"S": "a"}, ":sk": {"S": "2"}})
    condition = ("--key-condition-expression", "pk = :pk AND sk >= :sk", "--expression-attribute-values", values)
    found = aws("dynamodb", "query", "--table-name", table, *condition, "--no-scan-index-forward").json
    assert [item["sk"]["S"] for item in found["Items"]] == ["3", "2"]
    assert (found["Count"], found["ScannedCount"], found["ConsumedCapacity"]) == (2, 2, None)
    counted = aws("dynamodb", "scan", "--table-name", table, "--select", "COUNT").json
    assert counted == {"Count": 3, "ScannedCount": 3, "ConsumedCapacity": None}
    first = aws("dynamodb", "scan", "--table-name", table, "--max-items", "2").json
    assert len(first["Items"]) == 2
    rest = aws("dynamodb", "scan", "--table-name", table, "--starting-token", first["NextToken"]).json
    assert len(rest["Items"]) == 1


def test_cli_writes_and_reads_batches(aws, table):
    puts = [{"PutRequest": {"Item": {"pk": {"S": "a"}, "sk": {"S": sk}}}} for sk in "12"]
    written = aws("dynamodb", "batch-write-item", "--request-items", json.dumps({table: puts})).json
    assert written == {"UnprocessedItems": {}}
    keys = {table: {"Keys": [{"pk": {"S": "a"}, "sk": {"S": sk}} for sk in "129"]}}
    read = aws("dynamodb", "batch-get-item", "--request-items", json.dumps(keys)).json
    assert sorted(item["sk"]["S"] for item in read["Responses"][table]) == ["1", "2"]
    assert read["UnprocessedKeys"] == {}


def test_cli_sets_a_time_to_live(aws, table):
    off = aws("dynamodb", "describe-time-to-live", "--table-name", table).json
    assert off == {"TimeToLiveDescription": {"TimeToLiveStatus": "DISABLED"}}
    words = ("--time-to-live-specification", "Enabled=true,AttributeName=ttl")
    on = aws("dynamodb", "update-time-to-live", "--table-name", table, *words).json
    assert on == {"TimeToLiveSpecification": {"Enabled": True, "AttributeName": "ttl"}}


def test_cli_tags_a_table(aws, table):
    arn = aws("dynamodb", "describe-table", "--table-name", table).json["Table"]["TableArn"]
    assert aws("dynamodb", "tag-resource", "--resource-arn", arn, "--tags", "Key=team,Value=blue").text == ""
    tags = aws("dynamodb", "list-tags-of-resource", "--resource-arn", arn).json
    assert tags == {"Tags": [{"Key": "team", "Value": "blue"}]}


def test_cli_reads_limits(aws):
    limits = aws("dynamodb", "describe-limits").json
    assert set(limits) == {
        *("AccountMaxReadCapacityUnits", "AccountMaxWriteCapacityUnits"),
        *("TableMaxReadCapacityUnits", "TableMaxWriteCapacityUnits"),
    }


def test_cli_executes_a_statement(aws, dynamodb, table):
    dynamodb.put_item(TableName=table, Item=KEY | {"n": {"N": "7"}})
    statement = f"""SELECT n FROM "{table}" WHERE pk = 'a' AND sk = '1'"""
    assert aws("dynamodb", "execute-statement", "--statement", statement).json == {"Items": [{"n": {"N": "7"}}]}


def test_cli_adds_an_index(aws, dynamodb, table):
    dynamodb.put_item(TableName=table, Item=KEY | {"kind": {"S": "x"}})
    index = {
        "IndexName": "by-kind",
        "KeySchema": [{"AttributeName": "kind", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"},
    }
    words = ("--attribute-definitions", "AttributeName=kind,AttributeType=S", *TYPES)
    change = ("--global-secondary-index-updates", json.dumps([{"Create": index}]))
    updated = aws("dynamodb", "update-table", "--table-name", table, *words, *change).json["TableDescription"]
    assert [one["IndexName"] for one in updated["GlobalSecondaryIndexes"]] == ["by-kind"]
    for _ in range(60):
        described = dynamodb.describe_table(TableName=table)["Table"]["GlobalSecondaryIndexes"][0]
        if described["IndexStatus"] == "ACTIVE":
            break
    condition = ("--key-condition-expression", "kind = :k", "--expression-attribute-values", '{":k":{"S":"x"}}')
    assert aws("dynamodb", "query", "--table-name", table, "--index-name", "by-kind", *condition).json["Count"] == 1


def test_resources_keep_every_type(rows):
    values = {"n": Decimal("1.5"), "b": b"\x00\xff", "s": {"x", "y"}, "l": [1, "2", None], "m": {"t": True}}
    rows.put_item(Item={"pk": "a", "sk": "1", **values})
    item = rows.get_item(Key={"pk": "a", "sk": "1"})["Item"]
    assert {name: item[name] for name in values} == values


def test_batch_writer_writes_and_deletes(rows):
    with rows.batch_writer(overwrite_by_pkeys=["pk", "sk"]) as batch:
        for number in range(60):
            batch.put_item(Item={"pk": "a", "sk": f"{number:03}", "n": number})
        batch.put_item(Item={"pk": "a", "sk": "000", "n": 100})
    found = rows.query(KeyConditionExpression=Key("pk").eq("a"))["Items"]
    assert (len(found), found[0]["n"]) == (60, 100)
    with rows.batch_writer() as batch:
        for item in found[:30]:
            batch.delete_item(Key={"pk": "a", "sk": item["sk"]})
    assert rows.scan(Select="COUNT")["Count"] == 30


def test_conditions_of_boto3_filter(rows):
    for number in range(5):
        rows.put_item(Item={"pk": "a", "sk": str(number), "n": number, "tags": {"even" if number % 2 == 0 else "odd"}})
    wanted = Attr("n").between(1, 4) & Attr("tags").contains("even")
    found = rows.query(KeyConditionExpression=Key("pk").eq("a") & Key("sk").gt("0"), FilterExpression=wanted)
    assert [item["sk"] for item in found["Items"]] == ["2", "4"]
    assert (found["Count"], found["ScannedCount"]) == (2, 4)


def test_queries_have_pages(dynamodb, table):
    for number in range(7):
        dynamodb.put_item(TableName=table, Item={"pk": {"S": "a"}, "sk": {"S": str(number)}})
    pages = dynamodb.get_paginator("query").paginate(
        TableName=table,
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": "a"}},
        PaginationConfig={"PageSize": 3},
    )
    assert [page["Count"] for page in pages] == [3, 3, 1]


def test_a_failed_condition_returns_the_item(dynamodb, table):
    dynamodb.put_item(TableName=table, Item=KEY | {"n": {"N": "7"}})
    with pytest.raises(dynamodb.exceptions.ConditionalCheckFailedException) as refused:
        dynamodb.put_item(
            TableName=table,
            Item=KEY,
            ConditionExpression="attribute_not_exists(pk)",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    assert refused.value.response["Item"] == KEY | {"n": {"N": "7"}}


def test_removals_from_a_list_are_of_one_list(rows):
    rows.put_item(Item={"pk": "a", "sk": "1", "l": ["Chisel", "Hammer", "Nails", "Screwdriver", "Hacksaw"]})
    updated = rows.update_item(
        Key={"pk": "a", "sk": "1"}, UpdateExpression="REMOVE l[1], l[2]", ReturnValues="ALL_NEW"
    )
    assert updated["Attributes"]["l"] == ["Chisel", "Screwdriver", "Hacksaw"]


def test_a_missing_key_is_a_validation_exception(dynamodb, table):
    with pytest.raises(ClientError) as refused:
        dynamodb.get_item(TableName=table, Key={"pk": {"S": "a"}})
    error = refused.value.response["Error"]
    assert error == {"Code": "ValidationException", "Message": "The provided key element does not match the schema"}


def test_a_protected_table_stays(dynamodb, table):
    dynamodb.update_table(TableName=table, DeletionProtectionEnabled=True)
    with pytest.raises(ClientError) as refused:
        dynamodb.delete_table(TableName=table)
    assert refused.value.response["Error"]["Code"] == "ValidationException"
    dynamodb.update_table(TableName=table, DeletionProtectionEnabled=False)
