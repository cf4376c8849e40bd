"""Only the way out needs a way out: everything else works in a namespace without any route, and the control shows it.

Nor does anything else ask for a name: a question to a resolver is a way out of its own. The installation allows the
documentation network, in which a host is given an address only at the end.
"""

import json
import sys

from tests.cluster._installation import Installation, run


def test_a_job_runs_without_any_route_or_name_and_a_link_does_not() -> None:
    installation = Installation()
    del installation.environment["I2V_RAY_APPLICATION"]
    installation.environment["I2V_OUTBOUND_ALLOWED_NETWORKS"] = "203.0.113.0/24"
    try:
        done = run([sys.executable, "-m", "tests.cluster._no_route"], installation.environment)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout) == {
            "upload": "completed",
            "downloaded": "ftyp",
            "ready": True,
            "names_by_default": [],
            "link": {"status": 400, "code": "url_unreachable"},
            "link_by_name": {"status": 400, "code": "url_unreachable"},
            "link_with_a_route": "completed",
            "asked": 1,
            "names": ["photos.example"],
            "asked_of_the_cloud": 0,
            "control": ["tcp", "udp"],
        }
    finally:
        installation.remove()
