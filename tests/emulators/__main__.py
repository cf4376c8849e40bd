"""Run one emulated provider in the foreground: ``python -m tests.emulators kling --port 9100``.

The first line says where it is and with which key, as JSON. SIGTERM or an interrupt ends it.
"""

import argparse
import json
import signal
import sys

from tests.emulators.catalogue import find
from tests.emulators.server import serving

_ENDS = {signal.SIGTERM, signal.SIGINT}


def main() -> None:
    """Serve until a signal comes."""
    parser = argparse.ArgumentParser(prog="python -m tests.emulators", description=__doc__)
    parser.add_argument("name", help="the module of the emulator: kling, wan, …")
    parser.add_argument("--port", type=int, default=0, help="0: any that is free")
    parser.add_argument("--polls", type=int, default=2, help="how many polls find a task unfinished")
    arguments = parser.parse_args()
    signal.pthread_sigmask(signal.SIG_BLOCK, _ENDS)
    emulator = find(arguments.name)(poll_steps=arguments.polls)
    with serving(emulator.app, arguments.port) as server:
        line = {"name": emulator.name, "url": server.url, "api_key": emulator.api_key}
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()
        signal.sigwait(_ENDS)


if __name__ == "__main__":
    main()
