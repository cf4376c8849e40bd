"""In production data lie on the operator's own hosts, or with somebody who is on the list of subprocessors."""

import json
from typing import Any

import pytest

from cluster.privacy.infrastructure import check
from cluster.settings import Settings, SettingsError, configs_folder, read
from tests.recipients import in_use

PRODUCTION = {"I2V_PROFILE": "production", "I2V_OPERATOR_NAME": "Quux Films", "I2V_OPERATOR_CONTACT": "q@quux.example"}
AWS = {"I2V_OBJECTS_URL": "s3://bucket/prefix", "I2V_OBJECTS_S3_REGION": "eu-west-1"}
OWN = ["http://127.0.0.1:9000", "https://10.0.0.7", "https://minio", "https://store.internal", "https://minio.data.svc"]


def production(used: dict[str, Any] | None = None, **environment: str) -> Settings:
    listed = {"I2V_RECIPIENTS_IN_USE": json.dumps(used or {}, default=str)}
    return read(configs_folder(), PRODUCTION | listed | environment)


def test_what_lies_on_our_own_hosts_needs_no_entry() -> None:
    check(production())
    check(production(I2V_DATABASE_URL="postgresql://u@10.1.2.3/i2v", I2V_OBJECTS_URL="file:///data"))
    for endpoint in OWN:
        check(production({}, **AWS, I2V_OBJECTS_S3_ENDPOINT=endpoint))


@pytest.mark.parametrize(
    ("used", "environment", "named"),
    [
        ({}, AWS, "objects.url"),
        (in_use("aws"), AWS, "objects.url"),
        (in_use("aws", region="eu-central-1"), AWS, "objects.url"),
        (in_use("kling"), AWS, "objects.url"),
        (in_use("aws"), AWS | {"I2V_OBJECTS_S3_ENDPOINT": "https://s3.elsewhere.example"}, "objects.s3_endpoint"),
        (in_use("aws"), {"I2V_DATABASE_URL": "postgresql://u:canary@db.elsewhere.example/i2v"}, "database.url"),
        (in_use("aws"), {"I2V_DATABASE_URL": "postgresql://u:canary@8.8.8.8/i2v"}, "database.url"),
    ],
    ids=[
        "nobody is in use",
        "another region, the first",
        "another region",
        "a provider is no infrastructure",
        "a stranger's store",
        "a stranger's database",
        "a stranger's address",
    ],
)
def test_an_endpoint_of_somebody_who_is_not_listed_is_refused(
    used: dict[str, Any], environment: dict[str, str], named: str
) -> None:
    with pytest.raises(SettingsError, match=named) as refused:
        check(production(used, **environment))
    assert "canary" not in str(refused.value)
    check(read(configs_folder(), environment))


def test_an_endpoint_of_somebody_who_is_listed_is_not() -> None:
    check(production(in_use("aws", region="eu-west-1"), **AWS))
    check(production(in_use("aws", region="us-east-1"), I2V_OBJECTS_URL="s3://bucket"))


def test_a_register_that_is_not_complete_is_refused_as_a_setting() -> None:
    with pytest.raises(SettingsError, match="register"):
        check(production({"nobody": {}}))
