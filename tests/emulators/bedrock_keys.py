"""Amazon's signatures (Signature Version 4), verified by computing them again with Amazon's own code."""

import hashlib
import hmac
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from starlette.requests import Request

from cluster import clock

__all__ = ["KeyPair"]

_AUTHORIZATION: Final = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<scope>[^,]+), "
    r"SignedHeaders=(?P<names>[a-z0-9;-]+), Signature=(?P<given>[0-9a-f]{64})"
)
_SIGNERS: Final = {"bedrock": SigV4Auth, "s3": S3SigV4Auth}
_SKEW_SECONDS: Final = 300
_TIMESTAMP: Final = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True, slots=True)
class KeyPair:
    """The access key of one account, in one region."""

    access_key: str
    secret_key: str = field(repr=False)
    region: str

    def signed(self, request: Request, body: bytes, service: str) -> bool:
        """Whether this key signed just this request, for that service, in the last minutes."""
        found = _AUTHORIZATION.fullmatch(request.headers.get("authorization", ""))
        sent_at = request.headers.get("x-amz-date", "")
        if found is None or not _is_recent(sent_at) or not _is_of(request, body, service):
            return False
        names = found["names"].split(";")
        if not {"host", "x-amz-date"} <= set(names) or not set(names) <= set(request.headers.keys()):
            return False
        signer = _SIGNERS[service](Credentials(self.access_key, self.secret_key), service, self.region)
        copy = _copy(request, body, names)
        expected = signer.signature(signer.string_to_sign(copy, signer.canonical_request(copy)), copy)
        return found["scope"] == signer.scope(copy) and hmac.compare_digest(found["given"], expected)


def _copy(request: Request, body: bytes, names: list[str]) -> AWSRequest:
    """The request as it came, with no more headers than were signed."""
    path, query = request.scope["raw_path"].decode("ascii"), request.scope["query_string"].decode("ascii")
    url = f"http://{request.headers['host']}{path}" + (f"?{query}" if query else "")
    copy = AWSRequest(request.method, url, {name: request.headers[name] for name in names}, body)
    copy.context["timestamp"] = request.headers["x-amz-date"]
    return copy


def _is_of(request: Request, body: bytes, service: str) -> bool:
    """Whether the digest that the headers name is the body's; S3 wants one, and others take one."""
    digest = request.headers.get("x-amz-content-sha256")
    return digest == hashlib.sha256(body).hexdigest() if digest is not None else service != "s3"


def _is_recent(timestamp: str) -> bool:
    try:
        sent_at = datetime.strptime(timestamp, _TIMESTAMP).replace(tzinfo=UTC)
    except ValueError:
        return False
    return abs(clock.age_seconds(sent_at)) <= _SKEW_SECONDS
