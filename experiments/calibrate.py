"""Calibrates a run's softmax, so that `describe` knows when it is not sure.

    python -m experiments.calibrate --run_dir=runs/first \
        --outliers=data/tfds/cifar10_ad/one_recording-0123456789ab/1.0.0

It writes calibration.json into the run folder: a temperature for the probabilities, and the
threshold from which on a word counts as sure. Both are chosen on the validation part of the run's
data set and on pictures of another one, which show none of its words. The test part is not used.
"""

from absl import flags

from experiments import program

_RUN_DIR = flags.DEFINE_string("run_dir", None, "Trained run folder.", required=True)
_OUTLIERS = flags.DEFINE_string(
    "outliers",
    None,
    "Folder of a prepared data set whose pictures show none of the words.",
    required=True,
)
_NUM_OUTLIERS = flags.DEFINE_integer(
    "num_outliers", 2000, "How many of its pictures are looked at.", lower_bound=1
)
program.define_data_path_flag()
program.define_device_flag()
program.define_system_module_flag()


def main(argv: list[str]) -> None:
    """Calibrates the run, and says what came out."""
    del argv
    run, _ = program.open_run(_RUN_DIR.value)

    from mtnet_tf.data import prepared
    from mtnet_tf.evaluation.calibration import calibrate_run
    from mtnet_tf.reporting.tables import percent
    from mtnet_tf.runs import devices
    from mtnet_tf.runs.data_set import load_data

    device = devices.select_device(flags.FLAGS.device)
    data = load_data(run, flags.FLAGS.data_path)
    others = prepared.open_prepared(_OUTLIERS.value)
    found = calibrate_run(run, data, others, _NUM_OUTLIERS.value, device)
    validation, outliers = found["validation"], found["outliers"]
    sure = (validation["sure_of_right"], validation["sure_of_wrong"], outliers["sure"])
    right, wrong, other = (percent(share, "none") for share in sure)
    print(
        f"temperature {found['temperature']:.3f}, threshold {found['threshold']:.3f}\n"
        f"calibration error {validation['calibration_error_before']:.4f} ->"
        f" {validation['calibration_error']:.4f}, on {validation['num_images']:,} validation"
        f" images\nsure: {right} of the right, {wrong} of the wrong, {other} of"
        f" {outliers['num_images']:,} pictures of {others.name}"
    )


if __name__ == "__main__":
    program.run(main)
