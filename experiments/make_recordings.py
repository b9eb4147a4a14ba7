"""Makes a recordings folder, <word>/<speaker>_<take>.flac, for the data sets to be built from.

Words spoken by a synthetic voice (needs the extra `voice`):

    python -m experiments.make_recordings --words=digits,cifar10,cifar100 --output_dir=...
    python -m experiments.make_recordings --words=cat,dog,fire_truck --takes=5 --output_dir=...

Words spoken by another one (needs the program espeak-ng):

    python -m experiments.make_recordings --words=digits --engine=espeak_ng --output_dir=...

Human digits, copied from the Free Spoken Digit Dataset: its folder, the archive that its repository
offers for download, or TFDS's `spoken_digit`, which TFDS downloads if it is not in --data_dir:

    python -m experiments.make_recordings --fsdd=fsdd --speakers=jackson --output_dir=...
    python -m experiments.make_recordings --fsdd=free-spoken-digit-dataset.zip --output_dir=...
    python -m experiments.make_recordings --fsdd=tfds --data_dir=data/tfds --output_dir=...

The folder must be new; recordings.json in it says how it was made.
"""

import functools

from absl import flags

from experiments import program
from mtnet_tf.errors import InputError

_OUTPUT_DIR = flags.DEFINE_string("output_dir", None, "Folder to make.", required=True)
_WORDS = flags.DEFINE_string(
    "words",
    None,
    "Voice: digits, cifar10, cifar100 and other words with commas, or a file with one word a line.",
)
_ENGINE = flags.DEFINE_enum(
    "engine", None, ["piper", "espeak_ng"], "Voice: what speaks the words. Default piper."
)
_TAKES = flags.DEFINE_integer("takes", None, "Voice: takes a word; take 0 has no noise. Default 1.")
_LENGTH_SCALE = flags.DEFINE_float("length_scale", None, "Voice: above 1 is slower. Default 1.25.")
_NOISE_SCALE = flags.DEFINE_float(
    "noise_scale", None, "Voice: noise of the sound in takes 1, 2, ... Default 0.667."
)
_NOISE_W_SCALE = flags.DEFINE_float(
    "noise_w_scale", None, "Voice: noise of the sounds' lengths in takes 1, 2, ... Default 0.8."
)
_SEED = flags.DEFINE_integer("seed", None, "Voice: seed of the noise. Default 0.")
_FSDD = flags.DEFINE_string("fsdd", None, "FSDD: folder, archive (.zip, .tar.gz, .tgz), or tfds.")
_SPEAKERS = flags.DEFINE_list("speakers", None, "FSDD: speakers to take. Default: all.")
_DATA_DIR = flags.DEFINE_string(
    "data_dir", None, "FSDD from tfds: TFDS data_dir. Default: TFDS's own, ~/tensorflow_datasets."
)


def main(argv: list[str]) -> None:
    """Makes the folder and prints how many recordings are in it."""
    del argv
    from data_builders import recording_makers
    from mtnet_tf.runs.provenance import command_line

    for_piper = _given(_TAKES, _LENGTH_SCALE, _NOISE_SCALE, _NOISE_W_SCALE, _SEED)
    for_fsdd = _given(_SPEAKERS, _DATA_DIR)
    if (_WORDS.value is None) == (_FSDD.value is None):
        raise InputError("Give either --words, to have them spoken by the voice, or --fsdd.")
    if _FSDD.value is None:
        source, unused = "--words", for_fsdd
        if _ENGINE.value == "espeak_ng":
            source, unused = "--engine=espeak_ng", for_fsdd | for_piper
    else:
        only_tfds = {} if _FSDD.value == "tfds" else _given(_DATA_DIR)
        source, unused = f"--fsdd={_FSDD.value}", for_piper | _given(_ENGINE) | only_tfds
    if unused:
        names = ", ".join(f"--{name}" for name in unused)
        raise InputError(f"With {source}, {names} has no meaning.")
    if _FSDD.value is None:
        words = recording_makers.parse_words(_WORDS.value)
        engine = _ENGINE.value or "piper"
        make = getattr(recording_makers, f"make_{engine}_recordings")
        make = functools.partial(make, words=words, **for_piper)
    else:
        make = functools.partial(
            recording_makers.make_fsdd_recordings, source=_FSDD.value, **for_fsdd
        )
    record = make(_OUTPUT_DIR.value, command=command_line())
    print(f"{len(record['recordings'])} recordings in {_OUTPUT_DIR.value}")


def _given(*chosen: flags.FlagHolder):
    return {flag.name: flag.value for flag in chosen if flag.value is not None}


if __name__ == "__main__":
    program.run(main)
