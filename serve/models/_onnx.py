"""How every ONNX network of the house is run: on the CPU, within a number of threads, quietly."""

from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

_ONLY_ERRORS = 3


class OnnxNetwork:
    """One network file, and `run` that takes its inputs in order and returns its first output."""

    def __init__(self, weights: Path, threads: int = 0) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = _ONLY_ERRORS
        # Spinning threads would take the cores from rendering and encoding, which run in between.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(
            str(weights), sess_options=options, providers=["CPUExecutionProvider"]
        )
        self._inputs = [node.name for node in self._session.get_inputs()]
        self._output = self._session.get_outputs()[0].name

    def run(self, *inputs: NDArray[np.generic]) -> NDArray[np.float32]:
        """The first output for `inputs`, in the network's own layout and type."""
        feeds = dict(zip(self._inputs, inputs, strict=True))
        output: NDArray[np.float32] = self._session.run([self._output], feeds)[0]
        return output


def to_batch(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Height x width x channels to 1 x channels x height x width."""
    return np.ascontiguousarray(image.transpose(2, 0, 1)[None])
