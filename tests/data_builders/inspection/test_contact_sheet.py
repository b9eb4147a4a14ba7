"""The contact sheet: every example is on it, it stays small, and it is the same each time."""

import numpy as np
import PIL.Image
import pytest

from data_builders.inspection import contact_sheet


def draw(path, count, channels, num_samples):
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (count, 32, 32, channels)).astype(np.uint8)
    sounds = [np.clip(0.3 * random.normal(size=n), -1, 1) for n in num_samples]
    titles = [f"aquarium_fish $ {i} / jackson / 1089 ms" for i in range(count)]
    contact_sheet.draw_contact_sheet(path, images, sounds, titles, "cifar100_ad", 22050)
    return np.asarray(PIL.Image.open(path).convert("RGB"))


@pytest.mark.slow
def test_a_hundred_classes(tmp_path):
    """Noise, which compresses worst, stays under 4 MB; first, middle and last example are there."""
    path = tmp_path / "sheet.png"
    sheet = draw(path, 100, 3, [8000 + 40 * i for i in range(100)])
    assert path.stat().st_size < 4e6
    height, width, _ = sheet.shape
    assert 1500 < width < 2000 and 2000 < height < 3000  # 5 columns, 20 rows
    for i in (0, 37, 99):
        row, column = divmod(i, 5)
        top, left = height * row // 20, width * column // 5
        part = sheet[top : top + height // 20 + 40, left : left + width // 5]
        assert len(np.unique(part.reshape(-1, 3), axis=0)) > 800  # image and spectrogram


def test_it_is_deterministic(tmp_path):
    for name in ("a.png", "b.png"):
        draw(tmp_path / name, 3, 1, [100, 8000, 500])
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert PIL.Image.open(tmp_path / "a.png").width == 2 * 341
