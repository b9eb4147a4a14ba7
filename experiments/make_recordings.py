"""Makes a recordings folder, <word>/<speaker>_<take>.flac, for the data sets to be built from.

Words spoken by a synthetic voice (needs the extra `voice`):

    python -m experiments.make_recordings --words=digits,cifar10,cifar100 --output_dir=...
    python -m experiments.make_recordings --words=cat,dog,fire_truck --takes=5 --output_dir=...

Words spoken by another one (needs the program espeak-ng):

    python -m experiments.make_recordings --words=digits --engine=espeak_ng --output_dir=...
    python -m experiments.make_recordings --words=digits --engine=espeak_ng \
        --voices=en-us,en-us+f3,en-gb-scotland+m2 --output_dir=...

Human digits, copied from the Free Spoken Digit Dataset: its folder, the archive that its repository
offers for download, or TFDS's `spoken_digit`, which TFDS downloads if it is not in --data_dir:

    python -m experiments.make_recordings --fsdd=fsdd --speakers=jackson --output_dir=...
    python -m experiments.make_recordings --fsdd=free-spoken-digit-dataset.zip --output_dir=...
    python -m experiments.make_recordings --fsdd=tfds --data_dir=data/tfds --output_dir=...

Your own voice, cut out of one recording in which you read the words in their order, with a pause
after each, once or several times:

    python -m experiments.make_recordings --from_recording=me.m4a --words=digits --output_dir=...

The folder must be new; recordings.json in it says how it was made.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from absl import flags

from experiments import program
from mtnet_tf.errors import InputError

_OUTPUT_DIR = flags.DEFINE_string("output_dir", None, "Folder to make.", required=True)
_WORDS = flags.DEFINE_string(
    "words",
    None,
    "digits, cifar10, cifar100 and other words with commas, or a file with one word a line.",
)
_ENGINE = flags.DEFINE_enum(
    "engine", None, ["piper", "espeak_ng"], "Voice: what speaks the words. Default piper."
)
_VOICES = flags.DEFINE_list(
    "voices", None, "eSpeak NG: its voices, such as en-us+f3; each is a speaker. Default en-us."
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

_FROM_RECORDING = flags.DEFINE_string(
    "from_recording", None, "Own voice: wav, flac, ogg or mp3; m4a and others with the extra m4a."
)
_SPEAKER = flags.DEFINE_string("speaker", None, "Own voice: the name of it. Default me.")
_MIN_SILENCE_SECS = flags.DEFINE_float(
    "min_silence_secs", None, "Own voice: a silence so long parts two words. Default 0.3."
)
_SILENCE_DB = flags.DEFINE_float(
    "silence_db", None, "Own voice: silence is this far below the loudest 10 ms, dB. Default 35."
)

_OF_PIPER = (_TAKES, _LENGTH_SCALE, _NOISE_SCALE, _NOISE_W_SCALE, _SEED)
_OF_OWN_VOICE = (_SPEAKER, _MIN_SILENCE_SECS, _SILENCE_DB)
_NEEDED = {  # what gives the flags their meaning
    "--words": (_FROM_RECORDING,),
    "--words without --from_recording": (_ENGINE,),
    "--engine=piper": _OF_PIPER,
    "--engine=espeak_ng": (_VOICES,),
    "--fsdd": (_SPEAKERS,),
    "--fsdd=tfds": (_DATA_DIR,),
    "--from_recording": _OF_OWN_VOICE,
}


def main(argv: list[str]) -> None:
    """Makes the folder and prints how many recordings are in it."""
    del argv
    from data_builders import recording_makers as makers
    from mtnet_tf.runs.provenance import command_line

    if (_WORDS.value is None) == (_FSDD.value is None):
        raise InputError(
            "Give either --words, to have them spoken by the voice or found in --from_recording, or"
            " --fsdd."
        )
    words = None if _WORDS.value is None else makers.parse_words(_WORDS.value)
    if _FSDD.value is not None:
        usable = (_SPEAKERS, _DATA_DIR) if _FSDD.value == "tfds" else (_SPEAKERS,)
        chosen = _only(f"--fsdd={_FSDD.value}", usable)
        make = functools.partial(makers.make_fsdd_recordings, source=_FSDD.value, **chosen)
    elif _FROM_RECORDING.value is not None:
        chosen = _only("--from_recording", (_FROM_RECORDING, *_OF_OWN_VOICE))
        chosen["source"] = chosen.pop("from_recording")
        make = functools.partial(
            makers.make_cut_recordings, words=words, recognize=_recognizer(words), **chosen
        )
    elif _ENGINE.value == "espeak_ng":
        chosen = _only("--engine=espeak_ng", (_ENGINE, _VOICES))
        chosen.pop("engine")
        make = functools.partial(makers.make_espeak_ng_recordings, words=words, **chosen)
    else:
        chosen = _only("--words", (_ENGINE, *_OF_PIPER))
        chosen.pop("engine", None)
        make = functools.partial(makers.make_piper_recordings, words=words, **chosen)
    record = make(_OUTPUT_DIR.value, command=command_line())
    print(f"{len(record['recordings'])} recordings in {_OUTPUT_DIR.value}")
    for file, heard in record.get("heard_otherwise", {}).items():
        print(f"listen to {file}: the recogniser heard {heard or 'no word'}")
    if _FROM_RECORDING.value is not None:
        print(f"the cuts: {makers.cuts_picture(_OUTPUT_DIR.value)}")


def _only(source: str, usable: Sequence[flags.FlagHolder]) -> dict[str, Any]:
    """Returns the values of the flags that are given.

    Raises:
        InputError: one is given that has no meaning with the source.
    """
    every = [(flag, needed) for needed, its_flags in _NEEDED.items() for flag in its_flags]
    given = [(flag, needed) for flag, needed in every if flag.value is not None]
    usable_names = {flag.name for flag in usable}
    if unused := sorted((f.name, needed) for f, needed in given if f.name not in usable_names):
        names = ", ".join(f"--{name}" for name, _ in unused)
        needs = ", ".join(f"--{name} needs {needed}" for name, needed in unused)
        raise InputError(f"With {source}, {names} has no meaning: {needs}.")
    return {flag.name: flag.value for flag, _ in given}


def _recognizer(words: list[str]) -> Callable[[np.ndarray, int], str | None] | None:
    """Returns what hears the words; None where no recogniser is installed, or it lacks a word."""
    from mtnet_tf.metrics.word_accuracy import (
        MissingRecognizerError,
        UnknownWordError,
        WordRecognizer,
    )

    try:
        return WordRecognizer(words).recognize
    except (MissingRecognizerError, UnknownWordError) as error:
        print(f"the cuts are not checked by ear: {error}")
        return None


if __name__ == "__main__":
    program.run(main)
