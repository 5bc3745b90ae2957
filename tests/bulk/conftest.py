"""A real S3 server on loopback."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.request import Request, urlopen

import pytest


@dataclass
class S3:
    """A server of S3 in this process, which child processes reach by their environment.

    Attributes:
        endpoint: its address.
        client: boto3's, for what a test prepares and checks.
    """

    endpoint: str
    client: Any
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def bucket(self) -> str:
        """Makes an empty bucket; returns its URL, without a slash at its end."""
        name = f"bucket-{next(self._numbers)}"
        self.client.create_bucket(Bucket=name)
        return f"s3://{name}"

    def put(self, url: str, data: bytes) -> None:
        """Writes an object."""
        bucket, _, key = url.removeprefix("s3://").partition("/")
        self.client.put_object(Bucket=bucket, Key=key, Body=data)

    def get(self, url: str) -> bytes:
        """Reads an object."""
        bucket, _, key = url.removeprefix("s3://").partition("/")
        return self.client.get_object(Bucket=bucket, Key=key)["Body"].read()

    def keys(self, url: str) -> list[str]:
        """The keys under a URL, in the bucket, sorted."""
        bucket, _, prefix = url.removeprefix("s3://").partition("/")
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return [found["Key"] for page in pages for found in page.get("Contents", ())]


@pytest.fixture(scope="module")
def s3() -> Iterator[S3]:
    """The server, and the environment by which this and other processes find it."""
    import boto3
    import s3fs
    from moto.server import ThreadedMotoServer

    from unblur.bulk.store import shared

    with pytest.MonkeyPatch.context() as patch:
        server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        # A line for each request.
        logging.getLogger("werkzeug").setLevel(logging.WARNING)
        server.start()
        try:
            host, port = server.get_host_and_port()
            endpoint = f"http://{host}:{port}"
            # Its buckets are this process's, and those of an earlier server.
            urlopen(Request(f"{endpoint}/moto-api/reset", method="POST")).close()
            patch.setenv("AWS_ENDPOINT_URL", endpoint)
            patch.setenv("AWS_ACCESS_KEY_ID", "testing")
            patch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
            patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
            patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
            patch.delenv("AWS_PROFILE", raising=False)
            # Connections to another module's server.
            s3fs.S3FileSystem.clear_instance_cache()
            shared.cache_clear()
            yield S3(endpoint, boto3.client("s3"))
        finally:
            server.stop()
