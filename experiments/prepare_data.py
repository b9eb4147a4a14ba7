"""Prepares a data set: reads the recordings, pairs them with the images, writes the TFDS folder.

    python -m experiments.prepare_data --dataset=digits_ad
    python -m experiments.prepare_data --dataset=mnist_ad --recordings_dir=recordings/jackson
    python -m experiments.prepare_data --builder_module=my_package.fashion_mnist_ad

On Apache Beam:

    python -m experiments.prepare_data --beam_pipeline_options=direct_num_workers=8

What is prepared already is left as it is. Other recordings make another folder. The images of
mnist_ad are TFDS's `mnist`, downloaded to the same data_dir if they are not there; cifar10_ad and
cifar100_ad likewise.
"""

from absl import flags

from experiments import program

_BEAM_PIPELINE_OPTIONS = flags.DEFINE_string(
    "beam_pipeline_options",
    None,
    "Build on Apache Beam: name=value,... as in tfds build (extra: tfds-cli).",
)
program.define_dataset_flags()


def main(argv: list[str]) -> None:
    """Prepares the data set and prints what is in it."""
    del argv
    from data_builders import beam

    builder = program.open_builder()
    options = _BEAM_PIPELINE_OPTIONS.value
    dataset = program.prepare(builder, None if options is None else beam.download_config(options))
    metadata = dataset.metadata
    rate, used = metadata["sample_rate"], metadata["recordings"]
    lengths = {1000 * r["num_samples"] / rate: r["recording_id"] for r in used}
    print(f"data set     {dataset.full_name}")
    for name, split in dataset.splits.items():
        print(f"{name:<12} {split.num_pairs:,} pairs")
    print(f"words        {', '.join(metadata['words'].values())}")
    print(f"recordings   {len(used)}, by {', '.join(sorted({r['voice_id'] for r in used}))}")
    print(f"L_s          {metadata['audio_length']} samples at {rate} Hz,", end=" ")
    print(f"{1000 * metadata['audio_length'] / rate:.0f} ms")
    print(f"shortest     {min(lengths):.0f} ms, {lengths[min(lengths)]}")
    print(f"longest      {max(lengths):.0f} ms, {lengths[max(lengths)]}")
    if metadata["too_long"]:
        print(f"passed over  too long: {', '.join(metadata['too_long'])}")
    print(f"folder       {dataset.path}")


if __name__ == "__main__":
    program.run(main)
