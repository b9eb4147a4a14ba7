import pytest

import data_builders


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory):
    """A TFDS data_dir with digits_ad."""
    path = tmp_path_factory.mktemp("tfds")
    data_builders.open_builder("digits_ad", data_dir=path).download_and_prepare()
    return path
