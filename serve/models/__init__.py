"""Networks of the house: their weights, and what they say of a picture.

ONNX Runtime tells its maker of every session and model unless this variable stands before it is loaded.
"""

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"
