"""`ray job submit … -- python -m pipelines.sweep [--dry-run]`: one sweep; its report as the last line, in JSON.

Exit status 1: something that was due is still there, or nobody knows; the next sweep begins with it.
"""

import argparse
import json
import sys

import ray

from cluster import settings, telemetry
from cluster.errors import ServiceError
from pipelines.sweep.stores import open_stores
from pipelines.sweep.sweep import sweep
from pipelines.sweep.workers import by_ray_data


def main() -> int:
    """Sweep once, in the Ray cluster that runs this."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.sweep", description="Erase what has outlived its rules.")
    parser.add_argument("--dry-run", action="store_true", help="only say what is due")
    parser.add_argument(
        "--erase-orphans-after-restore",
        action="store_true",
        help="erase objects without a row even if they are newer than the database, which forgot them when restored",
    )
    arguments = parser.parse_args()
    after_restore = arguments.erase_orphans_after_restore
    ray.init(log_to_driver=False)
    ray.data.DataContext.get_current().enable_progress_bars = False
    try:
        stores = open_stores(settings.load())
        report = sweep(stores, by_ray_data, dry_run=arguments.dry_run, after_restore=after_restore)
    except ServiceError as error:
        telemetry.log_failure("sweep_failed", error, code=error.code)
        return 1
    sys.stdout.write(json.dumps(report.as_json()) + "\n")
    return 0 if report.dry_run or report.clean else 1


if __name__ == "__main__":
    sys.exit(main())
