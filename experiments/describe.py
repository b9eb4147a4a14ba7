"""Speaks an image: it reads an image file and writes a wav file with the spoken word.

    python -m experiments.describe --run_dir=runs/first --image=photo.jpg --output=word.wav

It prints the word that the sound is nearest to, which is the word of the recording of the run that
has the highest Corr2D with the sound.
"""

from absl import flags

from experiments import program

_RUN_DIR = flags.DEFINE_string("run_dir", None, "Run folder of experiments.train.", required=True)
_IMAGE = flags.DEFINE_string(
    "image", None, "Image file of any size, colour, rotation or transparency.", required=True
)
_OUTPUT = flags.DEFINE_string("output", "description.wav", "Wav file to write.")
_SAMPLE_RATE = flags.DEFINE_integer(
    "sample_rate", 22050, "Sample rate of the wav file, Hz.", lower_bound=4000, upper_bound=384_000
)
_INVERT = flags.DEFINE_enum(
    "invert",
    "auto",
    ["auto", "yes", "no"],
    "Invert dark ink on light paper (models of one channel).",
)
program.define_device_flag()
program.define_system_module_flag()


def main(argv: list[str]) -> None:
    """Reads the image, describes it, and writes the sound."""
    del argv
    from mtnet_tf.data.audio import check_output
    from mtnet_tf.data.images import read_image
    from mtnet_tf.runs.run_folder import RunFolder

    # This comes before TensorFlow is imported: a wrong file or folder is told at once.
    check_output(_OUTPUT.value, _SAMPLE_RATE.value)
    config = RunFolder(_RUN_DIR.value).config()
    program.find_systems([config.system])
    data = config.data
    image, inverted = read_image(_IMAGE.value, data.image_shape, _INVERT.value, data.digit_size)
    if data.image_shape[-1] == 1 and data.digit_size is not None:
        found = "inverted" if inverted else "as they are"
        print(f"light and dark: {found} (--invert={_INVERT.value})")

    from mtnet_tf.describe import Describer
    from mtnet_tf.runs import devices

    devices.select_device(flags.FLAGS.device)
    description = Describer(_RUN_DIR.value).describe(image)
    description.write(_OUTPUT.value, _SAMPLE_RATE.value)
    print(f"nearest word: {description.word} (Corr2D {description.corr2d:.3f})")
    duration = f"{description.duration_secs * 1000:.0f} ms"
    print(f"written: {_OUTPUT.value}, {duration} at {_SAMPLE_RATE.value} Hz")


if __name__ == "__main__":
    program.run(main)
