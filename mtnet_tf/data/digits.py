"""A digit on a picture -> the digit alone, as MNIST's makers laid out theirs.

Light on black, fitted into a box and centred by its mass.
"""

import numpy as np
import PIL.Image
from scipy import ndimage

from mtnet_tf.data.picture_files import ImageError

# A digit is looked for at this size of the longer side: enough for 20 pixels of a small digit.
WORKING_SIZE = 512
MIN_WORKING_SIZE = 128

# Ink and paper closer than this (of 1, black to white) are taken for a blank picture.
MIN_CONTRAST = 0.1

# Strokes in MNIST are 2 to 4 pixels wide; thinner ones would fade when a photo is scaled down.
MIN_STROKE_WIDTH = 2.2

EIGHT_NEIGHBOURS = np.ones((3, 3), bool)


def working_copy(picture: PIL.Image.Image) -> PIL.Image.Image:
    """Returns a picture scaled to a size at which a digit is looked for."""
    longer = max(picture.size)
    scale = np.clip(longer, MIN_WORKING_SIZE, WORKING_SIZE) / longer
    if scale == 1:
        return picture
    size = [max(1, round(side * scale)) for side in picture.size]
    return picture.resize(size, PIL.Image.Resampling.BICUBIC)


def has_dark_ink(grey: np.ndarray, name: str = "the picture") -> bool:
    """Tells whether a picture shows dark ink on a light ground (MNIST is the other way round).

    Ink covers the smaller part of any neighbourhood, so it is what differs most from the local mean
    brightness. Comparing locally keeps a shadow or a lamp's bright spot from deciding.

    Args:
        grey: float [height, width] in [0, 1], black to white.
        name: what an error calls the picture.

    Returns:
        Whether the ink is darker than the ground.

    Raises:
        ImageError: the picture is blank.
    """
    difference = grey - ndimage.uniform_filter(grey, max(grey.shape) // 2, mode="nearest")
    darkest, brightest = np.percentile(difference, [0.05, 99.95])
    if max(-darkest, brightest) < MIN_CONTRAST / 2:
        raise _blank(name)
    return bool(-darkest > brightest)


def extract_digit(
    ink: np.ndarray,
    size: tuple[int, int] = (28, 28),
    digit_size: int = 20,
    name: str = "the picture",
) -> np.ndarray:
    """Cuts a digit out of a photo and lays it out as MNIST's makers did with theirs.

    1. The ground is estimated and taken away: a morphological opening keeps what is wider than a
       stroke (paper, shadows, the table) and drops the ink.
    2. Otsu's threshold tells ink from paper; specks and what touches the edge are left out.
    3. Strokes thinner than MNIST's are widened (a ball-pen on a photo; MNIST needed no such step).
    4. Contrast is stretched to the whole range, the ink's bounding box is scaled with antialiasing
       into a square of `digit_size` pixels, keeping its aspect.
    5. The result stands in the field with its centre of mass in the field's centre.

    Args:
        ink: float [h, w] in [0, 1], light ink on a dark ground.
        size: (height, width) of the result.
        digit_size: side in pixels of the square that the digit fills.
        name: what an error calls the picture.

    Returns:
        float [height, width] in [0, 1].

    Raises:
        ImageError: no ink stands out from the ground.
    """
    ground = ndimage.grey_opening(ink, size=max(3, min(ink.shape) // 3), mode="nearest")
    # Relative to what the ground leaves room for: ink in a shadow differs less from its paper.
    ink = (ink - ground) / np.maximum(1 - ground, 0.1)
    mask = _ink_mask(ink, name)
    black = ink[~mask].mean() + 2 * ink[~mask].std() if not mask.all() else 0.0
    white = max(np.median(ink[mask]), black + MIN_CONTRAST / 2)
    # One pixel around the mask: the antialiased rim of the strokes.
    rim = ndimage.binary_dilation(mask, iterations=2)
    digit = np.where(rim, np.clip((ink - black) / (white - black), 0, 1), 0)
    # In noise the threshold finds pixels that stand out from the others by less than those vary.
    if digit.max() <= 0.5:
        raise _blank(name)

    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    scale = digit_size / max(np.ptp(rows) + 1, np.ptp(columns) + 1)
    # In a bar w pixels wide the mean distance to the nearest pixel outside is (w + 2) / 4.
    stroke_width = 4 * ndimage.distance_transform_edt(mask)[mask].mean() - 2
    radius = round((MIN_STROKE_WIDTH / scale - stroke_width) / 2)
    if radius > 0:
        y, x = np.ogrid[-radius : radius + 1, -radius : radius + 1]
        digit = np.pad(digit, radius)
        digit = ndimage.grey_dilation(digit, footprint=x * x + y * y <= radius * radius)
        rows, columns = (np.flatnonzero(digit.max(axis=axis) > 0.5) for axis in (1, 0))
    digit = digit[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return _centre(_fit(digit, digit_size), size)


def _ink_mask(ink: np.ndarray, name: str):
    """The pixels of the digit, bool [h, w], in `ink`, the picture without its ground."""
    mask = ink > _otsu_threshold(ink)
    inner = mask & ~_at_edge(mask)
    # What touches the edge is table or frame, unless nothing else is large enough to be a digit.
    if _largest_extent(inner) * 20 > max(ink.shape):
        rest = ink[inner | ~mask]
        mask = (ink > _otsu_threshold(rest)) & ~ndimage.binary_dilation(mask & ~inner, iterations=3)
    if not mask.any() or mask.all() or ink[mask].mean() - ink[~mask].mean() < MIN_CONTRAST:
        raise _blank(name)
    parts, _ = ndimage.label(mask, EIGHT_NEIGHBOURS)
    sizes = np.bincount(parts[mask])
    return mask & (sizes * 10 > sizes.max())[parts]


def _at_edge(mask: np.ndarray):
    """The part of `mask` that hangs together with the picture's edge."""
    edge = np.ones_like(mask)
    edge[1:-1, 1:-1] = False
    return ndimage.binary_propagation(mask & edge, EIGHT_NEIGHBOURS, mask)


def _largest_extent(mask: np.ndarray):
    """The longest side, in pixels, of the bounding boxes of the parts of `mask`; 0 for none."""
    boxes = ndimage.find_objects(ndimage.label(mask, EIGHT_NEIGHBOURS)[0])
    return max((side.stop - side.start for box in boxes for side in box), default=0)


def _otsu_threshold(values: np.ndarray):
    """The threshold that separates `values` into two groups with the least variance inside."""
    counts, edges = np.histogram(values, bins=256)
    middles = (edges[:-1] + edges[1:]) / 2
    below, above = np.cumsum(counts)[:-1], np.cumsum(counts[::-1])[::-1][1:]
    sum_below = np.cumsum(counts * middles)[:-1]
    sum_above = (counts * middles).sum() - sum_below
    with np.errstate(divide="ignore", invalid="ignore"):
        between = below * above * (sum_below / below - sum_above / above) ** 2
    return edges[1 + np.argmax(np.nan_to_num(between))]


def _fit(digit: np.ndarray, digit_size: int):
    """`digit` scaled so that its longer side has `digit_size` pixels, and its brightest is 1."""
    scale = digit_size / max(digit.shape)
    height, width = (max(1, round(side * scale)) for side in digit.shape)
    picture = PIL.Image.fromarray(digit.astype(np.float32))
    digit = np.array(picture.resize((width, height), PIL.Image.Resampling.BOX), np.float64)
    return digit / max(digit.max(), 1e-6)


def _centre(digit: np.ndarray, size: tuple[int, int]):
    """`digit` in a black field of `size`, its centre of mass in the middle, nothing cut off."""
    field = np.zeros(size)
    mass = ndimage.center_of_mass(digit)
    corner = [
        int(np.clip(round((whole - 1) / 2 - centre), 0, whole - part))
        for whole, part, centre in zip(size, digit.shape, mass)
    ]
    field[corner[0] : corner[0] + digit.shape[0], corner[1] : corner[1] + digit.shape[1]] = digit
    return field


def _blank(name: str):
    return ImageError(
        f"{name}: no digit found, the picture is blank or nearly so. Write the digit darker, light "
        "the paper better, or give a transparent drawing a dark ground."
    )
