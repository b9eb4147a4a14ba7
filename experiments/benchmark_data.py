"""Times building and reading a data set with images and words of CIFAR-100's size; prints JSON.

    python -m experiments.benchmark_data --num_pairs=20000

Images and words are synthetic and made in a temporary folder (TMPDIR; 50 kB for each pair). `build`
runs the builder of cifar100_ad. `tfds_audio` runs the obvious alternative, TFDS's own Audio feature
with int16 samples. `read` reads the pairs and decodes their images, as a training does. The two
peaks of memory are those of a process that builds and reads a quarter of the pairs, and of one that
does so with all. Progress goes to stderr.
"""

from __future__ import annotations

import contextlib
import json
import logging
import multiprocessing
import pathlib
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from multiprocessing.connection import Connection

from absl import flags

from experiments import program
from mtnet_tf.errors import InputError
from mtnet_tf.progress import Progress

_NUM_PAIRS = flags.DEFINE_integer("num_pairs", 20000, "Pairs to build and read.", lower_bound=400)
_OUTPUT = flags.DEFINE_string("output", None, "File for the JSON, besides the screen.")
_AUDIO_LENGTH = 29356  # L_s of CIFAR100 AD
_BYTES_A_PAIR = 50_000  # 41 kB in the files


def make_recordings(folder: pathlib.Path, words: Iterable[str]) -> None:
    """Writes 0.4 to 1.3 s of noise for each word: no codec or file system makes it smaller."""
    import numpy as np

    from data_builders.recordings import folder_name
    from mtnet_tf.data import audio, audio_files

    random = np.random.default_rng(0)
    for word in words:
        path = folder / folder_name(word) / "noise_0.flac"
        path.parent.mkdir(parents=True)
        count = random.integers(round(0.4 * audio.SAMPLE_RATE), _AUDIO_LENGTH - 500)
        audio_files.write_audio(path, random.uniform(-0.9, 0.9, count).astype(np.float32))


class SyntheticImages:
    """An `ImageSource` of a hundred different 32x32 colour pictures, by turns."""

    id = "synthetic:1"

    def __init__(self, num_pairs: int) -> None:
        """Draws the pictures.

        Args:
            num_pairs: images of the training split; the test split has 100.
        """
        import numpy as np
        import PIL.Image

        from mtnet_tf.data.images import encode_png

        random = np.random.default_rng(0)
        self._num_pairs = num_pairs
        # Of all splits: their images are asked for in many calls.
        self._progress = Progress("built", sum(map(self.num_images, ("train", "test"))))
        self._png = []
        for coarse in random.integers(0, 256, [100, 8, 8, 3]).astype(np.uint8):
            image = PIL.Image.fromarray(coarse).resize((32, 32), PIL.Image.Resampling.BICUBIC)
            self._png.append(encode_png(np.asarray(image)))

    def prepare(self) -> None:
        """Does nothing: the images are there."""

    def num_images(self, split: str) -> int:
        """Returns the number of images of a split."""
        return self._num_pairs if split == "train" else 100

    def images(
        self, split: str, first: int = 0, last: int | None = None
    ) -> Iterator[tuple[str, bytes, int]]:
        """Yields (image id, PNG bytes, label) of the images `first` to `last` - 1."""
        for i in range(first, self.num_images(split) if last is None else last):
            yield f"{split}_{i:05d}", self._png[i % 100], i % 100
            self._progress.add(1)


def build_and_read(num_pairs: int, audio_feature: bool, connection: Connection) -> None:
    """Builds and reads a data set; runs in a process of its own, whose memory is measured.

    Args:
        num_pairs: pairs of the training split.
        audio_feature: whether the recordings are stored by TFDS's Audio feature, which is built
            only and not read.
        connection: receives {"build": pairs/s, "read": pairs/s, "data_set_mib": MiB on the disk,
            "peak_mib": MiB of memory that the process took at most}.
    """
    logging.basicConfig(format="%(asctime)s  %(message)s", datefmt="%H:%M:%S")
    logging.getLogger("mtnet_tf").setLevel(logging.INFO)
    import numpy as np
    import tensorflow_datasets as tfds

    from data_builders.cifar100_ad.cifar100_ad_dataset_builder import Builder
    from mtnet_tf.data.loading import read_batches
    from mtnet_tf.data.prepared import open_prepared

    # The process ends with this function: what is changed here is changed for nobody else.
    Builder._make_image_source = lambda self, data_dir: SyntheticImages(num_pairs)
    if audio_feature:
        tfds.features.Tensor = lambda **_: tfds.features.Audio(dtype=np.int16)
    tfds.disable_progress_bar()
    # TFDS prints what it is about to do.
    with contextlib.redirect_stdout(sys.stderr), tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        make_recordings(folder / "recordings", Builder.WORDS.values())
        builder = Builder(data_dir=folder, recordings_dir=folder / "recordings")
        start = time.monotonic()
        builder.download_and_prepare()
        built = time.monotonic()
        result = {
            "build": (num_pairs + 100) / (built - start),
            "data_set_mib": builder.info.dataset_size / 2**20,
        }
        if not audio_feature:
            count, progress = 0, Progress("read", num_pairs)
            start = time.monotonic()
            dataset = open_prepared(builder.data_path)
            for file in dataset.splits["train"].files:
                for batch in read_batches(dataset, file):
                    count += len(batch["label"])
                    progress.reach(count)
            result["read"] = count / (time.monotonic() - start)
    result["peak_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    connection.send(result)


def measure(num_pairs: int, audio_feature: bool = False) -> dict[str, float]:
    """Runs `build_and_read` in a new process and returns what it sends."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=build_and_read, args=(num_pairs, audio_feature, sender))
    process.start()
    sender.close()
    with contextlib.suppress(EOFError):
        return receiver.recv()
    raise RuntimeError("The benchmark's process has died; its error is above.")


def main(argv: list[str]) -> None:
    """Measures and prints."""
    del argv
    from mtnet_tf.files import write_json
    from mtnet_tf.runs.provenance import environment

    needed, folder = _BYTES_A_PAIR * _NUM_PAIRS.value, tempfile.gettempdir()
    if (free := shutil.disk_usage(folder).free) < needed:
        raise InputError(
            f"{_NUM_PAIRS.value} pairs need {needed / 1e9:.1f} GB for a while, and {folder} has"
            f" {free / 1e9:.1f}. Name a folder on a larger disk with the environment variable"
            " TMPDIR, or give fewer --num_pairs."
        )
    quarter, whole = measure(_NUM_PAIRS.value // 4), measure(_NUM_PAIRS.value)
    alternative = measure(min(_NUM_PAIRS.value, 2000), audio_feature=True)
    result = {
        "num_pairs": _NUM_PAIRS.value,
        "audio_length": _AUDIO_LENGTH,
        "build_pairs_per_second": round(whole["build"]),
        "tfds_audio_pairs_per_second": round(alternative["build"]),
        "build_ratio": round(whole["build"] / alternative["build"], 2),
        "read_pairs_per_second": round(whole["read"]),
        "data_set_mib": round(whole["data_set_mib"]),
        "peak_mib": {"quarter": round(quarter["peak_mib"]), "whole": round(whole["peak_mib"])},
        **environment("cpu"),
    }
    print(json.dumps(result, indent=2))
    if _OUTPUT.value:
        write_json(_OUTPUT.value, result)


if __name__ == "__main__":
    program.run(main)
