"""Why a job can fail or be stopped: one vocabulary for our own engines and for every third party.

The owner sees the code and the sentence, never the text of an engine or a provider.
"""

from typing import Final

__all__ = ["FAILURES", "sentence"]

FAILURES: Final[dict[str, str]] = {
    "invalid_input": "The photo could not be read to the end. Send it again, or save it anew as JPEG or PNG.",
    "moderation_input": "The photo was refused by content screening. Nothing was charged.",
    "moderation_output": "The video was refused by content screening. Nothing was charged.",
    "bad_result": "The third party's video could not be used. Nothing was charged; please send it again.",
    "auth": "This installation's access to the third party does not work at present. Nothing was charged; the model"
    " 'default' works.",
    "quota_exhausted": "This installation's credit with the third party is used up. Nothing was charged; the model"
    " 'default' works.",
    "rate_limited": "The third party took too many requests at once. Nothing was charged; send it again later, or use"
    " the model 'default'.",
    "capacity": "The third party had no room for this video, or could not be reached. Nothing was charged; send it"
    " again later, or use the model 'default'.",
    "model_retired": "The third party does not offer this model any more. Nothing was charged; GET /v1/models lists the"
    " live ones.",
    "recipient_unavailable": "Nothing may be sent to the third party any more. Nothing was charged; the model 'default'"
    " works.",
    "timeout": "The third party did not make this video in good time. Nothing was charged; please send it again, or use"
    " the model 'default'.",
    "expired": "The third party had erased the video before it could be fetched. Nothing was charged; please send it"
    " again.",
    "worker_lost": "The machines that worked on this job failed repeatedly. Nothing was charged; please send it again.",
    "timed_out": "This video was not made in good time. Nothing was charged; please ask for a shorter or smaller one.",
    "out_of_memory": "This video needed more memory than there is. Nothing was charged; please ask for a smaller size.",
    "internal": "Something went wrong on our side. Nothing was charged; please send it again.",
    "cancelled_by_user": "You cancelled this job. Nothing was charged.",
    "consent_withdrawn": "You withdrew the consent that this job rested on. Nothing was charged.",
    "not_for_minors": "This account may not use third parties' models. Nothing was charged; the model 'default' works.",
    "video_expired": "The time to live that you gave this video passed before it was made. Nothing was charged.",
    "account_changed": "The account changed while this job was waiting. Nothing was charged; please send it again.",
}


def sentence(code: str) -> str:
    """What the owner reads about a code."""
    return FAILURES.get(code, FAILURES["internal"])
