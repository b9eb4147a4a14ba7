"""Figure 5 of the paper: image, true and generated sound side by side."""

from __future__ import annotations

import pathlib
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mtnet_tf.data.spectrogram import spectrogram_db

_TRUE, _GENERATED = "#4a6fa5", "#c1666b"


def draw_examples(
    path: pathlib.Path | str,
    images: np.ndarray,
    true: np.ndarray,
    generated: np.ndarray,
    words: Sequence[str],
    sample_rate: int,
) -> None:
    """Draws a row for each example: the image, both waveforms and both spectrograms.

    Args:
        path: the PNG file to write.
        images: uint8 [n, height, width, 1 or 3].
        true: the recordings, float32 [n, L_s] in [-1, 1].
        generated: what the network says, float32 [n, L_s] in [-1, 1].
        words: n words, which name the rows.
        sample_rate: of the waveforms, in Hz.
    """
    count = len(images)
    figure = Figure(figsize=(11, 1.25 * count + 0.6), layout="constrained")
    axes = figure.subplots(count, 5, squeeze=False, width_ratios=[0.6, 1.3, 1.3, 1.3, 1.3])
    titles = (
        "image",
        "true waveform",
        "generated waveform",
        "true spectrogram",
        "generated spectrogram",
    )
    duration_ms = 1000 * true.shape[1] / sample_rate
    for row, (image, a, b, word) in enumerate(zip(images, true, generated, words)):
        _draw_image(axes[row, 0], image)
        _name_row(axes[row, 0], word)
        times = np.linspace(0, duration_ms, len(a))
        for axis, waveform, colour in ((axes[row, 1], a, _TRUE), (axes[row, 2], b, _GENERATED)):
            axis.plot(times, waveform, color=colour, linewidth=0.4)
            axis.set_xlim(0, duration_ms)
            axis.set_ylim(-1, 1)
        _draw_spectrograms(axes[row, 3:], (a, b), sample_rate)
        axes[row, 4].yaxis.tick_right()
    for place, axis in np.ndenumerate(axes):
        if place[0] == 0:
            axis.set_title(titles[place[1]], fontsize=9)
        axis.tick_params(labelsize=6, length=2)
        if place[1] == 0:
            axis.set_xticks([])
        if place[1] != 4:
            axis.set_yticks([])
        if place[0] < count - 1:
            axis.set_xticks([])
        elif place[1]:
            axis.set_xlabel("ms" if place[1] < 3 else "ms (vertical: kHz)", fontsize=7)
    figure.savefig(path, dpi=130, format="png")


def draw_systems(
    path: pathlib.Path | str,
    images: np.ndarray,
    sounds: Mapping[str, Sequence[np.ndarray]],
    words: Sequence[str],
    heard: Mapping[str, Sequence[str]],
    sample_rate: int,
) -> None:
    """Draws a row for each example: the image, and the spectrogram of what each system says of it.

    Args:
        path: the PNG file to write.
        images: uint8 [n, height, width, 1 or 3].
        sounds: {title of a column: n waveforms, float32 [L_s] in [-1, 1]}.
        words: n words, which name the rows.
        heard: {title of a column: n words that its sounds are nearest to}.
        sample_rate: of the waveforms, in Hz.
    """
    count, columns = len(images), len(sounds)
    figure = Figure(figsize=(1.2 + 1.8 * columns, 1.25 * count + 0.6), layout="constrained")
    axes = figure.subplots(count, 1 + columns, squeeze=False, width_ratios=[0.6, *[1.3] * columns])
    for row, (image, word) in enumerate(zip(images, words)):
        _draw_image(axes[row, 0], image)
        _name_row(axes[row, 0], word)
        for axis, (title, waveforms) in zip(axes[row, 1:], sounds.items()):
            _draw_spectrograms([axis], [waveforms[row]], sample_rate)
            if title in heard:
                axis.set_xlabel(heard[title][row] or "silence", fontsize=7, labelpad=1)
    for axis in axes.flat:
        axis.set_xticks([])
        axis.set_yticks([])
    for axis, title in zip(axes[0, 1:], sounds):
        axis.set_title(title, fontsize=9)
    figure.savefig(path, dpi=130, format="png")


def draw_images(path: pathlib.Path | str, rows: Sequence[np.ndarray], words: Sequence[str]) -> None:
    """Draws a row of images for each word.

    Args:
        path: the PNG file to write.
        rows: a uint8 [n, height, width, 1 or 3] a word, each with as many images.
        words: name the rows.
    """
    figure = Figure(figsize=(1.2 + 0.7 * len(rows[0]), 0.75 * len(rows)), layout="constrained")
    axes = figure.subplots(len(rows), len(rows[0]), squeeze=False)
    for line, images, word in zip(axes, rows, words):
        _name_row(line[0], word)
        for axis, image in zip(line, images):
            _draw_image(axis, image)
            axis.set_xticks([])
            axis.set_yticks([])
    figure.savefig(path, dpi=130, format="png")


def _draw_image(axis: Axes, image: np.ndarray) -> None:
    axis.imshow(image.squeeze(), cmap="gray", vmin=0, vmax=255)


def _name_row(axis: Axes, word: str) -> None:
    axis.set_ylabel(word, rotation=0, ha="right", va="center")


def _draw_spectrograms(
    axes: Sequence[Axes], waveforms: Sequence[np.ndarray], sample_rate: int
) -> None:
    """Draws the spectrogram of each waveform; a colour is the same loudness in all of them."""
    decibels = [spectrogram_db(waveform, sample_rate) for waveform in waveforms]
    top = max(part.max() for part in decibels)
    for axis, waveform, part in zip(axes, waveforms, decibels):
        axis.imshow(
            part, origin="lower", aspect="auto", cmap="magma", vmin=top - 70, vmax=top,
            extent=(0, 1000 * len(waveform) / sample_rate, 0, sample_rate / 2000),
        )  # fmt: skip
        axis.set_ylim(0, 8)
