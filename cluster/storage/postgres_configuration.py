"""The embedded PostgreSQL's three files of configuration: what it does, who may enter, and who is its owner.

Nobody enters without showing who they are. The owner is the account of this host that starts the server, as the kernel
tells it (peer): there is no password to read or copy. The roles show their passwords (SCRAM). Nobody else is let in.
"""

from pathlib import Path
from typing import Final

from cluster.storage.privileges import DatabaseRole

__all__ = ["OWNER", "contents"]

OWNER: Final = "i2v"

# Nothing of a statement or a row may reach the log: errors belong to the program that made them (log_min_messages),
# and what PostgreSQL says of itself comes without details, which quote statements and values (terse).
_SERVER: Final = """\
listen_addresses = ''
unix_socket_directories = '{socket}'
unix_socket_permissions = 0700
max_connections = 200
shared_buffers = 64MB
max_wal_size = 512MB
min_wal_size = 64MB
max_parallel_workers_per_gather = 0
jit = off
wal_level = minimal
max_wal_senders = 0
idle_in_transaction_session_timeout = 60s
lc_messages = 'C'
timezone = 'UTC'
log_timezone = 'UTC'
logging_collector = on
log_directory = '{log}'
log_filename = 'postgresql-%a.log'
log_file_mode = 0600
log_rotation_age = 1d
log_truncate_on_rotation = on
log_line_prefix = '%m [%p] '
log_min_messages = log
log_error_verbosity = terse
log_min_error_statement = panic
log_min_duration_statement = -1
log_min_duration_sample = -1
log_statement = none
log_parameter_max_length = 0
log_parameter_max_length_on_error = 0
log_connections = ''
log_disconnections = off
log_lock_waits = off
log_temp_files = -1
"""
_ENTRANCE: Final = f"""\
local all {OWNER} peer map=owner
local all {",".join(DatabaseRole)} scram-sha-256
"""
_OWNERS: Final = f"""\
owner "{{account}}" {OWNER}
"""


def contents(socket: Path, log: Path, account: str) -> dict[str, bytes]:
    """What stands in each file. ``account``: the name of the host's account that the owner works as."""
    return {
        "postgresql.conf": _SERVER.format(socket=socket, log=log).encode(),
        "pg_hba.conf": _ENTRANCE.encode(),
        "pg_ident.conf": _OWNERS.format(account=account).encode(),
    }
