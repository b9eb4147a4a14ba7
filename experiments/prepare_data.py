"""Prepares a data set: reads the recordings, pairs them with the images, writes the TFDS folder.

    python -m experiments.prepare_data --dataset=digits_ad
    python -m experiments.prepare_data --dataset=mnist_ad/one_recording \\
        --recordings_dir=recordings/jackson --data_dir=data/tfds

What is prepared already is left as it is. Other recordings make another folder. The images of
mnist_ad are TFDS's `mnist`, downloaded to the same data_dir if they are not there.
"""

from experiments import program

program.define_dataset_flags()


def main(argv):
    del argv
    builder = program.open_prepared_builder()
    metadata = builder.info.metadata
    rate, used = metadata["sample_rate"], metadata["recordings"]
    lengths = {1000 * r["num_samples"] / rate: r["recording_id"] for r in used}
    print(f"data set     {builder.info.full_name}")
    for name, split in builder.info.splits.items():
        print(f"{name:<12} {split.num_examples:,} pairs")
    print(f"words        {', '.join(metadata['words'].values())}")
    print(f"recordings   {len(used)}, by {', '.join(sorted({r['voice_id'] for r in used}))}")
    print(f"L_s          {metadata['audio_length']} samples at {rate} Hz,", end=" ")
    print(f"{1000 * metadata['audio_length'] / rate:.0f} ms")
    print(f"shortest     {min(lengths):.0f} ms, {lengths[min(lengths)]}")
    print(f"longest      {max(lengths):.0f} ms, {lengths[max(lengths)]}")
    for recording in used:
        if recording["longer_takes"]:
            takes = ", ".join(map(str, recording["longer_takes"]))
            print(f"passed over  too long before {recording['recording_id']}: take {takes}")
    print(f"folder       {builder.data_path}")


if __name__ == "__main__":
    program.run(main)
