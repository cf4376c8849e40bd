"""Ten minutes of random deaths under load, on an installation of its own.

    python -m tests.chaos [--seconds 600] [--seed N] [--accounts 3]

Prints what happened, and exits with 1 if anything accepted was lost, charged twice or left behind.
"""

import argparse
import secrets
import sys

from tests.chaos._arena import opened
from tests.chaos.deaths import DEATHS
from tests.chaos.soak import soak


def main() -> int:
    """Start, strike, settle, tell."""
    arguments = argparse.ArgumentParser(prog="tests.chaos", description="Random deaths under load.")
    arguments.add_argument("--seconds", type=float, default=600)
    arguments.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000))
    arguments.add_argument("--accounts", type=int, default=3)
    chosen = arguments.parse_args()
    say(f"seed {chosen.seed}: the same deaths again with --seed {chosen.seed}")
    with opened() as arena:
        report = soak(arena, DEATHS, chosen.seconds, chosen.seed, chosen.accounts)
    say(*report.lines())
    return 1 if report.violations else 0


def say(*lines: str) -> None:
    """Print at once."""
    for line in lines:
        sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
