"""What the answers of object stores mean, and what to do: each library tells the same fault in other words."""

import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Timer
from typing import NamedTuple
from urllib.parse import urlsplit

from longstride.storage.errors import LongstrideError

__all__ = [
    "Meaning",
    "PlaceError",
    "cannot_be_opened",
    "endpoint_of",
    "fault_of_endpoint",
    "fault_of_path",
    "fault_of_url",
    "meaning_of",
    "said_while_silent",
]

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 5.0
EXPECTED = "expected a path, or a URL such as s3://bucket/plant.zarr"


class PlaceError(LongstrideError):
    """A folder or an object store cannot be reached, or refuses access."""


class Meaning(NamedTuple):
    """Why a request failed."""

    pattern: str
    """What is found in the text of such an error."""
    words: str
    """What is wrong and what to do, after the name of what was asked for."""
    code: str


KEYS = (
    "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (Google: GOOGLE_APPLICATION_CREDENTIALS, Azure: AZURE_STORAGE_*)"
)
MEANINGS = [
    Meaning(
        r"169\.254\.169\.254|NoCredentials|Unable to locate credentials|PartialCredentials|"
        r"Missing(Secret)?AccessKey|MissingAccount|Account must be specified|DefaultCredentialsError",
        f"no credentials are found, or only a part of them: set {KEYS}",
        code="access-refused",
    ),
    Meaning(
        r"RequestTimeTooSkewed|RequestExpired|difference between the request time",
        "the object store refuses access, this machine's clock is wrong (RequestTimeTooSkewed): set it",
        code="access-refused",
    ),
    Meaning(
        r"SignatureDoesNotMatch|signature we calculated",
        "the object store refuses access, the secret does not belong to the key: check AWS_SECRET_ACCESS_KEY",
        code="access-refused",
    ),
    Meaning(
        r"InvalidAccessKeyId|access key ID you provided does not exist",
        "the object store refuses access, it does not know the key: check AWS_ACCESS_KEY_ID and AWS_ENDPOINT_URL",
        code="access-refused",
    ),
    Meaning(
        r"ExpiredToken|InvalidToken|token .{0,40}expired",
        "the object store refuses access, the session has expired: get new credentials (AWS_SESSION_TOKEN)",
        code="access-refused",
    ),
    Meaning(
        r"NoSuchBucket|bucket does not exist",
        "there is no such bucket (NoSuchBucket): check its name and the endpoint (AWS_ENDPOINT_URL)",
        code="place-unreachable",
    ),
    Meaning(
        r"InvalidBucketName|Invalid bucket name|bucket name is not valid",
        "a bucket cannot have this name: check the URL",
        code="place-unreachable",
    ),
    Meaning(
        r"AuthorizationHeaderMalformed|PermanentRedirect|IllegalLocationConstraint|BareRedirect|"
        r"301 Moved Permanently|307 Temporary Redirect",
        "the bucket is in another region (AuthorizationHeaderMalformed, PermanentRedirect): set AWS_REGION to it",
        code="place-unreachable",
    ),
    Meaning(
        r"(?i)407 Proxy|<html|<!doctype html|Data after `Connection: close`|An error occurred \(\) when calling",
        "a web page came instead of the answer of an object store, as from a proxy: check the endpoint "
        "(AWS_ENDPOINT_URL) and the proxy (HTTPS_PROXY, NO_PROXY)",
        code="place-unreachable",
    ),
    Meaning(
        r"AccessDenied|Access Denied|PermissionError|40[13] (Forbidden|Unauthorized)|\(40[13]\)|Forbidden",
        "the object store refuses access: check the key and the secret "
        "(AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY), and what they may do",
        code="access-refused",
    ),
    Meaning(
        r"InvalidMessage|InvalidCertificate|UnknownIssuer|SSL(Error|Cert)|WRONG_VERSION_NUMBER|(?i:certificate)",
        "no secure connection can be made (TLS): check that the endpoint (AWS_ENDPOINT_URL) is https:// or "
        "http:// as its server is, and that this machine knows its certificate",
        code="place-unreachable",
    ),
    Meaning(
        r"dns error|Name or service not known|failed to lookup|nodename nor servname|getaddrinfo",
        "the name of the endpoint leads nowhere: check AWS_ENDPOINT_URL and the network",
        code="place-unreachable",
    ),
    Meaning(
        r"ConnectionRefused|Connection refused|Connect call failed|Could not connect|Cannot connect",
        "nothing answers at the endpoint: check AWS_ENDPOINT_URL, and that its server runs",
        code="place-unreachable",
    ),
    Meaning(
        r"TimedOut|Timeout|timed out|operation timed out",
        "the endpoint does not answer in time: check AWS_ENDPOINT_URL and the network",
        code="place-unreachable",
    ),
    Meaning(
        r"50[0234] |Service Unavailable|SlowDown|InternalError|Internal Server Error|Bad Gateway",
        "the object store is out of order or too busy (50x): try again later",
        code="place-unreachable",
    ),
]
"""The first that fits counts."""
SCHEMES = ("s3", "s3a", "gs", "az", "adl", "azure", "abfs", "abfss", "http", "https", "file", "memory")
"""The kinds of URL that a store can have."""
ALMOST = re.compile(r"(s3a?|gs|az|abfss?|https?|file)(:/?|//)[^/]?.*")


def meaning_of(answer: str) -> Meaning | None:
    """What the text of an error means; None where it is not known."""
    return next((meaning for meaning in MEANINGS if re.search(meaning.pattern, answer)), None)


def endpoint_of(url: str) -> str:
    """The endpoint that the environment gives to an S3 URL, or ""."""
    if not url.lower().startswith(("s3://", "s3a://")):
        return ""
    return os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or ""


def fault_of_endpoint(url: str) -> str | None:
    """What is wrong with the endpoint that the environment names for a URL; None where nothing is."""
    endpoint = endpoint_of(url)
    if not endpoint or _is_address(endpoint):
        return None
    return f"AWS_ENDPOINT_URL is {endpoint!r}; expected an address such as https://s3.example.com:9000"


def fault_of_url(url: str) -> str | None:
    """Why no store can be at a URL; None where one can."""
    scheme, _, rest = url.partition("://")
    scheme = scheme.lower()
    if scheme not in SCHEMES:
        return f"{scheme}:// is not a kind of URL that is known; {EXPECTED}"
    if scheme not in ("file", "memory") and not rest.partition("/")[0]:
        return f"it names no bucket or host; {EXPECTED}"
    if scheme in ("http", "https") and not _is_address(url):
        return f"its host or its port cannot be read; {EXPECTED}"
    return None


def fault_of_path(path: str) -> str | None:
    """Why a path that does not exist looks like a mistyped URL, such as s3:/x; None where it does not."""
    if ALMOST.fullmatch(path) and not os.path.lexists(path):
        return f"it is not a URL, and there is no such file; {EXPECTED}"
    return None


@contextmanager
def said_while_silent(url: str) -> Iterator[None]:
    """Say what is waited for, where an answer takes longer than a few seconds."""

    def say() -> None:
        log.warning("%s: waiting for an answer of %s", url, endpoint_of(url) or "the object store")

    timer = Timer(PATIENCE_SECONDS, say)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return (
            parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
        )
    except ValueError:
        return False


def cannot_be_opened(name: str, fault: str) -> PlaceError:
    """The error of a path or URL that cannot be one."""
    return PlaceError(f"{name} cannot be opened: {fault}", code="option-value")
