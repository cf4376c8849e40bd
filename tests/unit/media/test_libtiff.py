"""Of a broken TIFF nobody reads in a log, however it is coded."""

import pytest
from PIL import Image

from serve.media.decode import decode
from serve.media.errors import MediaError
from tests.photos import person
from tests.unit.media.pictures import LIMITS, saved


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"])
def test_a_broken_tiff_is_refused_in_silence(compression: str, capfd: pytest.CaptureFixture[str]) -> None:
    whole = saved(Image.fromarray(person()), "TIFF", compression=compression)
    middle = len(whole) // 2
    broken = whole[: middle - 2000] + b"\xff" * 4000 + whole[middle + 2000 :]
    with pytest.raises(MediaError):
        decode(broken, LIMITS, 512)
    assert capfd.readouterr() == ("", "")
