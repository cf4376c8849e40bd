"""Settings under which nobody meets a limit of how often something may be asked for."""

from typing import Final

__all__ = ["BOUNDLESS"]

BOUNDLESS: Final = {
    "I2V_HTTP_MAX_REQUESTS_PER_MINUTE": "10000000",
    "I2V_HTTP_MAX_CONNECTIONS_PER_ADDRESS": "4096",
    "I2V_ADMISSION_CREATES_PER_MINUTE": "10000000",
    "I2V_ADMISSION_READS_PER_MINUTE": "10000000",
    "I2V_ADMISSION_STREAMS_PER_MINUTE": "10000000",
    "I2V_CREDITS_SIGN_UP_GRANT": "1000000000",
}
