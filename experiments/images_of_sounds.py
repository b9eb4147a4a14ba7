"""Trains DCMAVG's other half, which makes images of sounds, and shows what it makes.

    python -m experiments.images_of_sounds --of_run=runs/tables/mnist_ad/dcmavg_seed0

It is trained apart from the half that speaks, whose image classifier says what the images show. The
same command goes on where it was stopped. --run_dir receives images_of_sounds.json and .png.
"""

import pathlib

from absl import flags

from experiments import program

_OF_RUN = flags.DEFINE_string("of_run", None, "Trained run folder of DCMAVG.", required=True)
_RUN_DIR = flags.DEFINE_string(
    "run_dir", None, "Run folder of this half; default: <of_run>/images_of_sounds."
)
program.define_data_path_flag()
program.define_device_flag()


def main(argv: list[str]) -> None:
    """Trains the half, measures it, and says what came out."""
    del argv
    from mtnet_tf.runs.run_folder import RunFolder

    # This comes before TensorFlow is imported: a wrong folder is told at once.
    of_run = RunFolder(_OF_RUN.value)
    of_run.config()

    from mtnet_tf.runs import devices
    from mtnet_tf.runs.data_set import load_data
    from mtnet_tf.studies.images_of_sounds import PICTURE, make_images

    device = devices.select_device(flags.FLAGS.device)
    data = load_data(of_run, flags.FLAGS.data_path)
    run = RunFolder(pathlib.Path(_RUN_DIR.value or of_run / "images_of_sounds"))
    result = make_images(of_run, data, run, device)
    print(
        f"Of {result['num_images']:,} images {100 * result['word_accuracy']:.2f} % show the word;"
        f" of true ones {100 * result['word_accuracy_of_true_images']:.2f} %. They are"
        f" {run / PICTURE}."
    )


if __name__ == "__main__":
    program.run(main)
