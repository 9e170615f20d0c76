"""What an object store, or what stands in for one, answers, told in one line with the remedy; no request is needed
for what cannot be an address."""

import os
import socket
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from longstride.pipeline.ingest.sources.names import find_files
from longstride.storage.open import open_store
from longstride.storage.places import bucket as location
from longstride.storage.places import object_answers
from longstride.storage.places.object_answers import PlaceError, meaning_of
from tests.helpers.errors import raises
from tests.helpers.faulty_proxy import Faults, faulty_proxy
from tests.helpers.object_store import environment

S3 = "s3://bucket/plant.zarr"
PAGE = b"<html><body>Blocked by the proxy</body></html>"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment("http://127.0.0.1:9").items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_ENDPOINT_URL_S3", raising=False)
    monkeypatch.setattr(location, "RETRY_TIMEOUT", timedelta(seconds=1))
    monkeypatch.setattr(location, "MAX_RETRIES", 1)


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Iterator[Faults]:
    """A real server that answers as it is told."""
    with faulty_proxy(9) as (address, faults):
        monkeypatch.setenv("AWS_ENDPOINT_URL", address)
        yield faults


@pytest.mark.parametrize("url", ["s3://", "s3:///plant", "http//host/x", "foo://bucket/x"])
def test_what_is_no_url_is_refused_without_a_request(url: str) -> None:
    with raises("option-value", url, "s3://bucket/plant.zarr", kind=PlaceError):
        open_store(url)
    with raises("source-address", url):
        find_files(url)


def test_what_path_makes_of_a_url_is_refused() -> None:
    for path in ("s3:/plant", Path("s3://bucket/plant.zarr")):
        with raises("not-a-folder", "s3:/", "s3://...", kind=PlaceError):
            open_store(path)
        with raises("source-address", "s3:/"):
            find_files(path)


@pytest.mark.parametrize("endpoint", ["127.0.0.1:9000", "http//127.0.0.1:1", "http://127.0.0.1:port", "http://"])
def test_what_is_no_endpoint_is_refused_without_a_request(monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    with raises("option-value", S3, "AWS_ENDPOINT_URL", endpoint, kind=PlaceError):
        open_store(S3)
    with raises("source-address", S3, "AWS_ENDPOINT_URL", endpoint):
        find_files(S3)


@pytest.mark.parametrize(
    ("status", "body", "code", "fact"),
    [
        (403, b"<Error><Code>RequestTimeTooSkewed</Code></Error>", "access-refused", "clock"),
        (403, b"<Error><Code>SignatureDoesNotMatch</Code></Error>", "access-refused", "AWS_SECRET_ACCESS_KEY"),
        (403, b"<Error><Code>InvalidAccessKeyId</Code></Error>", "access-refused", "AWS_ACCESS_KEY_ID"),
        (403, b"<Error><Code>ExpiredToken</Code></Error>", "access-refused", "AWS_SESSION_TOKEN"),
        (403, b"<Error><Code>AccessDenied</Code></Error>", "access-refused", "what they may do"),
        (404, b"<Error><Code>NoSuchBucket</Code></Error>", "place-unreachable", "NoSuchBucket"),
        (301, b"<Error><Code>PermanentRedirect</Code></Error>", "place-unreachable", "AWS_REGION"),
        (200, PAGE, "place-unreachable", "proxy"),
        (403, PAGE, "place-unreachable", "proxy"),
        (404, PAGE, "place-unreachable", "proxy"),
        (407, PAGE, "place-unreachable", "proxy"),
        (503, PAGE, "place-unreachable", "proxy"),
    ],
)
def test_an_answer_is_told_by_what_it_means(
    answers: Faults, status: int, body: bytes, code: str, fact: str
) -> None:
    answers.answer = status, body
    with raises(code, S3, fact, kind=PlaceError) as caught:
        open_store(S3)
    assert "Debug" not in str(caught.value)


def test_no_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with raises("access-refused", S3, "AWS_SECRET_ACCESS_KEY", kind=PlaceError):
        open_store(S3)
    assert (found := meaning_of("Error performing PUT http://169.254.169.254/latest/api/token in 2 ms"))
    assert found.code == "access-refused"
    assert "AWS_ACCESS_KEY_ID" in found.words


def test_a_server_without_tls_and_one_that_is_gone(monkeypatch: pytest.MonkeyPatch, answers: Faults) -> None:
    with raises("place-unreachable", S3, "AWS_ENDPOINT_URL", "TLS", kind=PlaceError):
        monkeypatch.setenv("AWS_ENDPOINT_URL", os.environ["AWS_ENDPOINT_URL"].replace("http:", "https:"))
        open_store(S3)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with raises("place-unreachable", S3, "AWS_ENDPOINT_URL", "server runs", kind=PlaceError):
        open_store(S3)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://no-such-host.invalid:80")
    with raises("place-unreachable", S3, "AWS_ENDPOINT_URL", "leads nowhere", kind=PlaceError):
        open_store(S3)


def test_one_that_is_silent_is_not_waited_for_in_silence(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(object_answers, "PATIENCE_SECONDS", 0.2)
    monkeypatch.setattr(location, "TIMEOUT", timedelta(seconds=2))
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
        with raises("place-unreachable", S3, "in time", kind=PlaceError):
            open_store(S3)
    assert S3 in caplog.text
    assert endpoint in caplog.text
