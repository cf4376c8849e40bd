"""What the embedded PostgreSQL needs of its host: an account that is not root, and a short path for its socket."""

import hashlib
import os
import pwd
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cluster.storage.errors import PostgresFailed

__all__ = ["Account", "account", "client", "short_folder"]

_NAME: Final = "i2v-postgres"
_LONGEST_SOCKET: Final = 100


@dataclass(frozen=True)
class Account:
    """Whom the server runs as. ``prefix``: what its command lines begin with."""

    prefix: tuple[str, ...] = ()
    uid: int | None = None
    gid: int | None = None

    def own(self, place: Path) -> None:
        """Give a file or folder to the account."""
        if self.uid is not None and self.gid is not None:
            os.chown(place, self.uid, self.gid)


def account() -> Account:
    """This process's own account; for root, whom PostgreSQL refuses, a system account made for it.

    That account may pass through folders of root without their modes being loosened: it keeps one capability.

    Raises:
        PostgresFailed: root has no means to make such an account or to change to it.
    """
    if os.geteuid() != 0:
        return Account()
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise PostgresFailed(code="postgres_needs_setpriv")
    entry = _entry() or _made()
    change = [setpriv, f"--reuid={entry.pw_uid}", f"--regid={entry.pw_gid}", "--clear-groups"]
    capability = "--inh-caps=-all,+dac_override", "--ambient-caps=-all,+dac_override"
    return Account((*change, *capability), entry.pw_uid, entry.pw_gid)


def client() -> str:
    """The name of this process's account, as the kernel tells it to a server on the other side of a socket.

    Raises:
        PostgresFailed: it has a number and no name.
    """
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        raise PostgresFailed(code="postgres_needs_a_named_account") from None


def _entry() -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(_NAME)
    except KeyError:
        return None


def _made() -> pwd.struct_passwd:
    """The new account. Two that make it at once both find it; a host without ``useradd`` wants another user."""
    command = ["useradd", "--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin", _NAME]
    if shutil.which("useradd"):
        subprocess.run(command, check=False, capture_output=True)  # noqa: S603 - a constant
    entry = _entry()
    if entry is None:
        raise PostgresFailed(code="postgres_refuses_root")
    return entry


def short_folder(wanted: Path) -> Path:
    """``wanted``, or if sockets in it had too long a path (107 bytes), a folder for it among the temporary files."""
    if len(os.fsencode(wanted)) <= _LONGEST_SOCKET - len("/.s.PGSQL.5432"):
        return wanted
    return Path(tempfile.gettempdir()) / f"i2v-{hashlib.sha256(os.fsencode(wanted)).hexdigest()[:16]}"
