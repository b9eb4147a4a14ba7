"""The image that several tests compare theirs with."""

import pytest

from tests.data.photos import draw_two, photo, read


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """The "2" as it should look to a model."""
    return read(photo(draw_two(), noise=0), tmp_path_factory.mktemp("two"))[0]
