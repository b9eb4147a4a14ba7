"""Times building and reading a data set of CIFAR-100's size of word and image; prints one JSON object.

    python -m experiments.benchmark_data --num_pairs=20000

Images and words are synthetic and made in a temporary folder (TMPDIR; 50 kB a pair). `build` runs the builder of
cifar100_ad, `tfds_audio` the obvious alternative, TFDS' own Audio feature with int16 samples; `read` yields padded batches as
training does. The two peaks of memory are of processes that build and read a quarter of the pairs, and all of them. Progress goes to
stderr.
"""

import contextlib
import io
import json
import logging
import multiprocessing
import pathlib
import resource
import shutil
import sys
import tempfile
import time

from absl import flags

from experiments import program
from mtnet_tf.errors import InputError
from mtnet_tf.progress import Progress

_NUM_PAIRS = flags.DEFINE_integer("num_pairs", 20000, "Pairs to build and read.", lower_bound=400)
_OUTPUT = flags.DEFINE_string("output", None, "File for the JSON, besides the screen.")
_AUDIO_LENGTH = 29356  # L_s of CIFAR100 AD
_BYTES_A_PAIR = 50_000  # 41 kB in the files


def make_recordings(folder, words):
    """Noise of 0.4 to 1.3 s for each word: nothing that a codec or a file system could make smaller."""
    import numpy as np

    from mtnet_tf.data import audio

    random = np.random.default_rng(0)
    for word in words:
        path = folder / word.replace(" ", "_") / "noise_0.flac"
        path.parent.mkdir(parents=True)
        count = random.integers(round(0.4 * audio.SAMPLE_RATE), _AUDIO_LENGTH - 500)
        audio.write_audio(path, random.uniform(-0.9, 0.9, count).astype(np.float32))


class SyntheticImages:
    """An `ImageSource` of a hundred different 32x32 colour pictures, by turns."""

    id = "synthetic:1"

    def __init__(self, num_pairs):
        import numpy as np
        import PIL.Image

        random = np.random.default_rng(0)
        self._num_pairs = num_pairs
        self._png = []
        for coarse in random.integers(0, 256, [100, 8, 8, 3]).astype(np.uint8):
            buffer = io.BytesIO()
            image = PIL.Image.fromarray(coarse).resize((32, 32), PIL.Image.Resampling.BICUBIC)
            image.save(buffer, format="PNG")
            self._png.append(buffer.getvalue())

    def prepare(self):
        pass

    def num_images(self, split):
        return self._num_pairs if split == "train" else 100

    def images(self, split, first=0, last=None):
        progress = Progress("built", self.num_images(split))
        for i in range(first, last or self.num_images(split)):
            yield f"{split}_{i:05d}", self._png[i % 100], i % 100
            progress.add(1)


def build_and_read(num_pairs, audio_feature, connection):
    """Runs in a process of its own; sends {"build", "read": pairs/s, "data_set_mib", "peak_mib": of this process}."""
    logging.basicConfig(format="%(asctime)s  %(message)s", datefmt="%H:%M:%S")
    logging.getLogger("mtnet_tf").setLevel(logging.INFO)
    import numpy as np
    import tensorflow_datasets as tfds

    from data_builders.cifar100_ad.cifar100_ad_dataset_builder import Builder
    from mtnet_tf.data.prepared import read_batches

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
            for batch in read_batches(builder, "train", _AUDIO_LENGTH).as_numpy_iterator():
                count += len(batch["label"])
                progress.add(len(batch["label"]))
            result["read"] = count / (time.monotonic() - start)
    result["peak_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    connection.send(result)


def measure(num_pairs, audio_feature=False):
    """Returns what `build_and_read` sends."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=build_and_read, args=(num_pairs, audio_feature, sender))
    process.start()
    sender.close()
    with contextlib.suppress(EOFError):
        return receiver.recv()
    raise RuntimeError("The benchmark's process has died; its error is above.")


def main(argv):
    del argv
    from mtnet_tf.files import write_json
    from mtnet_tf.runs.provenance import environment

    needed, folder = _BYTES_A_PAIR * _NUM_PAIRS.value, tempfile.gettempdir()
    if (free := shutil.disk_usage(folder).free) < needed:
        raise InputError(
            f"{_NUM_PAIRS.value} pairs need {needed / 1e9:.1f} GB for a while, and {folder} has {free / 1e9:.1f}."
            " Name a folder on a larger disk with the environment variable TMPDIR, or give fewer --num_pairs."
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
