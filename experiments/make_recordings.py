"""Makes a recordings folder, <word>/<speaker>_<take>.flac, for the data sets to be built from.

Words spoken by a synthetic voice (needs the extra `voice`):

    python -m experiments.make_recordings --words=digits --output_dir=recordings/joe
    python -m experiments.make_recordings --words=cat,dog,fire_truck --takes=5 --output_dir=...

Human digits, copied from the Free Spoken Digit Dataset:

    python -m experiments.make_recordings --fsdd_dir=free-spoken-digit-dataset \\
        --speakers=jackson --output_dir=recordings/jackson

The folder must be new; recordings.json in it says how it was made.
"""

from absl import flags

from experiments import program

_OUTPUT_DIR = flags.DEFINE_string("output_dir", None, "Folder to make.", required=True)
_WORDS = flags.DEFINE_string(
    "words", None, "Voice: digits, words with commas, or a file with one word a line."
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
_FSDD_DIR = flags.DEFINE_string(
    "fsdd_dir", None, "FSDD: the folder with <digit>_<speaker>_<take>.wav files."
)
_SPEAKERS = flags.DEFINE_list("speakers", None, "FSDD: speakers to take. Default: all.")


def main(argv):
    del argv
    from data_builders import recording_makers

    for_voice = {
        flag.name: flag.value
        for flag in (_TAKES, _LENGTH_SCALE, _NOISE_SCALE, _NOISE_W_SCALE, _SEED)
        if flag.value is not None
    }
    if (_WORDS.value is None) == (_FSDD_DIR.value is None):
        raise recording_makers.MakeError(
            "Give either --words, to have them spoken by the voice, or --fsdd_dir."
        )
    if _FSDD_DIR.value is None:
        if _SPEAKERS.value is not None:
            raise recording_makers.MakeError("--speakers is for --fsdd_dir; the voice is one.")
        words = recording_makers.parse_words(_WORDS.value)
        record = recording_makers.make_piper_recordings(_OUTPUT_DIR.value, words, **for_voice)
    else:
        if for_voice:
            names = ", ".join(f"--{name}" for name in for_voice)
            raise recording_makers.MakeError(f"With --fsdd_dir, {names} has no meaning.")
        record = recording_makers.make_fsdd_recordings(
            _OUTPUT_DIR.value, _FSDD_DIR.value, _SPEAKERS.value
        )
    print(f"{len(record['recordings'])} recordings in {_OUTPUT_DIR.value}")


if __name__ == "__main__":
    program.run(main)
