"""An emulated bucket of Amazon S3, with versions where it is told to keep them, and the XML in which it is listed."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

from cluster import clock
from tests.emulators.tasks import Task

__all__ = ["Bucket", "Version", "error_xml", "objects_xml", "versions_xml"]

_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"


@dataclass(frozen=True, slots=True)
class Version:
    """One version of an object; without content it is the mark that the object was deleted."""

    key: str
    id: str
    content: Task | bytes | None
    written_at: str = field(default_factory=lambda: clock.now().strftime("%Y-%m-%dT%H:%M:%S.000Z"))


class Bucket:
    """Objects by key. If it is `versioned`, who deletes a key without naming a version deletes nothing."""

    def __init__(self, name: str) -> None:
        """An empty bucket."""
        self.name = name
        self.versioned = False
        self._versions: list[Version] = []

    def put(self, key: str, content: Task | bytes) -> None:
        """Write an object."""
        self._write(key, content)

    def get(self, key: str) -> Task | bytes | None:
        """What the key holds now."""
        return next((version.content for version in reversed(self._versions) if version.key == key), None)

    def delete(self, key: str, version_id: str | None) -> None:
        """Delete a version; or the key, of which a versioned bucket then says no more than that it is deleted."""
        if version_id is not None:
            self._versions = [one for one in self._versions if (one.key, one.id) != (key, version_id)]
        elif self.versioned:
            self._write(key, None)
        else:
            self._versions = [one for one in self._versions if one.key != key]

    def versions(self, prefix: str) -> list[Version]:
        """All that is kept under a prefix."""
        return sorted((one for one in self._versions if one.key.startswith(prefix)), key=lambda one: one.key)

    def objects(self, prefix: str) -> list[Version]:
        """What is not deleted under a prefix."""
        latest = {version.key: version for version in self._versions}
        return [
            version
            for version in self.versions(prefix)
            if version.content is not None and latest[version.key] is version
        ]

    def clear(self) -> None:
        """Forget everything, and keep no versions."""
        self._versions, self.versioned = [], False

    def _write(self, key: str, content: Task | bytes | None) -> None:
        version_id = f"3/{secrets.token_urlsafe(24)}+=" if self.versioned else "null"
        self.delete(key, version_id)
        self._versions.append(Version(key, version_id, content))


def objects_xml(bucket: Bucket, prefix: str, most: int) -> str:
    """The answer to ListObjectsV2."""
    found = bucket.objects(prefix)
    shown = found[:most]
    head = _head(bucket, prefix, most, more=len(found) > most) + _tag("KeyCount", len(shown))
    return _document("ListBucketResult", head, (_tag("Contents", _object(one)) for one in shown))


def versions_xml(bucket: Bucket, prefix: str, most: int) -> str:
    """The answer to ListObjectVersions."""
    found = bucket.versions(prefix)
    shown = (
        _tag("DeleteMarker" if one.content is None else "Version", _object(one) + _tag("VersionId", one.id))
        for one in found[:most]
    )
    head = _head(bucket, prefix, most, more=len(found) > most) + _tag("KeyMarker", "") + _tag("VersionIdMarker", "")
    return _document("ListVersionsResult", head, shown)


def error_xml(code: str) -> str:
    """S3's shape of an error."""
    return _DECLARATION + _tag("Error", _tag("Code", code) + _tag("Message", "It did not go well."))


def _head(bucket: Bucket, prefix: str, most: int, *, more: bool) -> str:
    truncated = _tag("IsTruncated", str(more).lower())
    return _tag("Name", bucket.name) + _tag("Prefix", escape(prefix)) + _tag("MaxKeys", most) + truncated


def _object(version: Version) -> str:
    return _tag("Key", escape(version.key)) + _tag("LastModified", version.written_at) + _tag("Size", 1)


def _tag(name: str, content: object) -> str:
    return f"<{name}>{content}</{name}>"


def _document(name: str, head: str, parts: Iterable[str]) -> str:
    return f'{_DECLARATION}<{name} xmlns="{_NAMESPACE}">{head}{"".join(parts)}</{name}>'
