"""All that the replicas of a cluster do for the jobs that are due, with the real networks, in this one process."""

from cluster import settings as cluster_settings
from cluster.records import lifecycle
from cluster.records.job_states import Stage
from serve import resources
from serve.ingestion import Ingestion
from serve.screening import Screening
from serve.stage_deployment import StageDeployment
from serve.video_generation import VideoGeneration
from tests.world import PLENTY

__all__ = ["do_everything_due"]


def do_everything_due() -> None:
    """Take each job to its end, whatever that is."""
    screening = Screening()
    stages: dict[str, StageDeployment] = {
        Stage.INGESTION: Ingestion(),
        Stage.INPUT_SCREENING: screening,
        Stage.GENERATION: VideoGeneration(),
        Stage.OUTPUT_SCREENING: screening,
    }
    database = resources.for_stage(cluster_settings.load(), "offline").database
    while leases := database.run(lifecycle.claim, PLENTY, "offline"):
        for lease in leases:
            if lease.stage == Stage.PUBLISH:
                database.run(lifecycle.complete, lease)
            else:
                stages[lease.stage].run(lease.job_id, lease.fence, lease.stage)
