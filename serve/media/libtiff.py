"""The libtiff that Pillow carries, which would write what it thinks of a broken file to the standard error."""

import ctypes

from PIL import _imaging

__all__ = ["silence"]


def silence() -> None:
    """Take its printer of errors away, for this process; that of warnings Pillow took itself.

    What was printed quoted the file, and would stand in a replica's log. Decoders still learn of every error.
    """
    set_error_handler = ctypes.CDLL(_imaging.__file__).TIFFSetErrorHandler
    set_error_handler.argtypes, set_error_handler.restype = [ctypes.c_void_p], ctypes.c_void_p
    set_error_handler(None)
