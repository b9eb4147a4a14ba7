"""A contact sheet: an example of each class on one page, for an eye to check what was paired."""

from __future__ import annotations

import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from mtnet_tf.data.spectrogram import spectrogram_db

# Inches.
_WIDTH, _HEIGHT = 3.1, 1.15  # of one example
_HEADER = 0.4
_IMAGE = 0.8
_MARGIN = 0.12

_DPI = 110
_RANGE_DB = 70
_MAX_KHZ = 8
_MIN_SAMPLES = 512  # what a spectrogram needs


def draw_contact_sheet(
    path: pathlib.Path | str,
    images: Sequence[np.ndarray],
    waveforms: Sequence[np.ndarray],
    titles: Sequence[str],
    heading: str,
    sample_rate: int,
) -> None:
    """Draws a grid of examples: each an image beside its waveform and, under that, its spectrogram.

    The time axis is the same for all, so that short and long words show as such. There are two
    columns of examples for up to ten of them, one more for each ten more, and never more than five.

    Args:
        path: PNG file to write.
        images: each uint8 [height, width, 1 or 3].
        waveforms: as many, each float [num_samples] in [-1, 1], of any length.
        titles: as many, e.g. "zero / jackson / 433 ms".
        heading: stands above the grid.
        sample_rate: Hz.
    """
    columns = min(5, 1 + -(-len(images) // 10))
    rows = -(-len(images) // columns)
    width, height = columns * _WIDTH, rows * _HEIGHT + _HEADER
    longest = max([_MIN_SAMPLES, *map(len, waveforms)])
    figure = Figure(figsize=(width, height))
    # One pair of axes in inches: three for each of a hundred examples take most of the time.
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()

    def write(left: float, bottom: float, text: str, size: float):
        axes.text(left, bottom, text, fontsize=size, va="bottom", parse_math=False)

    def show(
        pixels: np.ndarray, left: float, bottom: float, size: tuple[float, float], **options: Any
    ):
        extent = (left, left + size[0], bottom, bottom + size[1])
        axes.imshow(pixels, extent=extent, aspect="auto", **options)

    sound_size = _WIDTH - _IMAGE - 3 * _MARGIN, _IMAGE / 2
    duration_ms = 1000 * longest / sample_rate
    scales = f"0 to {duration_ms:.0f} ms; spectrograms 0 to {_MAX_KHZ} kHz, {_RANGE_DB} dB"
    write(_MARGIN, height - _HEADER, f"{heading}\n{scales}", 8)
    for i, (image, waveform, title) in enumerate(zip(images, waveforms, titles, strict=True)):
        row, column = divmod(i, columns)
        left = column * _WIDTH + _MARGIN
        bottom = height - _HEADER - (row + 1) * _HEIGHT + _MARGIN
        write(left, bottom + _IMAGE + 0.03, title, 7.5)
        colours = np.broadcast_to(image, (*image.shape[:2], 3))
        show(colours, left, bottom, (_IMAGE, _IMAGE), interpolation="nearest")
        left += _IMAGE + _MARGIN
        axes.plot(
            left + sound_size[0] / longest * np.arange(len(waveform)),
            bottom + sound_size[1] * (1.5 + 0.5 * waveform),
            color="#4a6fa5",
            linewidth=0.4,
        )
        decibels = spectrogram_db(np.pad(waveform, (0, longest - len(waveform))), sample_rate)
        shown = decibels[: round(len(decibels) * _MAX_KHZ / (sample_rate / 2000))]
        top = shown.max()
        show(
            shown,
            left,
            bottom,
            sound_size,
            origin="lower",
            cmap="magma",
            vmin=top - _RANGE_DB,
            vmax=top,
        )
    axes.set_xlim(0, width)
    axes.set_ylim(0, height)
    figure.savefig(path, dpi=_DPI, format="png")
