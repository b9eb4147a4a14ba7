"""Speaks pictures: it reads picture files, writes a wav file of each, and says how sure it is.

    python -m experiments.describe --image=photo.jpg
    python -m experiments.describe --pretrained=mnist_ad --image=photo.jpg --play
    python -m experiments.describe --run_dir=runs/first --image=photos --output=words --json

Without --run_dir a network that ships with the package speaks: that of digits, or the one that
--pretrained names. A picture may have any size. A folder stands for the pictures in it. Of several
pictures, --output and --seen are folders, with a file of each picture's name.

A network that was trained on several voices (voice.conditioning) speaks in the one that --voice
names; --list_voices shows them.

It prints the likeliest word and the one after it. "Not sure" means that the softmax layer gives the
word less than the threshold of the run's calibration (experiments.calibrate). A network without a
softmax layer names the word whose recording the sound is nearest to, which says nothing of how sure
it is.
"""

import collections
import dataclasses
import json
import os
import pathlib
import sys
from typing import TYPE_CHECKING, Any

from absl import flags

from experiments import program
from mtnet_tf.errors import InputError

if TYPE_CHECKING:  # It imports TensorFlow.
    from mtnet_tf.describe import Description
    from mtnet_tf.runs.run_folder import RunFolder

_IMAGE = flags.DEFINE_multi_string(
    "image",
    None,
    "Picture file of any size, colour, rotation or transparency, or a folder of such; may be given"
    " more than once.",
)
_OUTPUT = flags.DEFINE_string(
    "output",
    None,
    "Wav file to write, description.wav by default; of several pictures a folder, description.",
)
_SEEN = flags.DEFINE_string(
    "seen", None, "PNG file of what the network saw; of several pictures a folder."
)
_JSON = flags.DEFINE_bool("json", False, "Print one JSON object per picture, one per line.")
_PLAY = flags.DEFINE_bool("play", False, "Play the sounds too.")
_SAMPLE_RATE = flags.DEFINE_integer("sample_rate", 22050, "Sample rate of the wav file, Hz.")
_VOICE = flags.DEFINE_string("voice", None, "Voice that speaks; default: the first.")
_LIST_VOICES = flags.DEFINE_bool(
    "list_voices",
    False,
    "Print the voices, and nothing else; an error where there is none to choose.",
)
_INVERT = flags.DEFINE_enum(
    "invert",
    "auto",
    ["auto", "yes", "no"],
    "Exchange light and dark; auto does so where a network of digits is shown dark ink on light"
    " paper.",
)
program.define_network_flags()
program.define_device_flag()
program.define_system_module_flag()

_AT_ONCE = 64  # pictures: what is described so far is written, however many are to come
_GUESSES = 2  # the likeliest word and the runner-up
_LIGHT = {True: "inverted", False: "as they are"}


def main(argv: list[str]) -> int:
    """Reads the pictures, describes them, and writes the sounds. Returns 1 if one failed."""
    del argv
    from mtnet_tf.data.audio_files import check_output
    from mtnet_tf.data.images import read_image, write_image
    from mtnet_tf.data.picture_files import ImageError
    from mtnet_tf.runs.run_folder import RunFolder

    # This comes before TensorFlow is imported: a wrong file or folder is told at once.
    run_dir = program.network_dir()
    run = RunFolder(run_dir)
    if _LIST_VOICES.value:
        print("\n".join(run.voices_to_choose()))
        return 0
    voice = _voice(run)
    if not _IMAGE.value or "" in _IMAGE.value:
        raise InputError("--image names no picture. Name one, as with --image=photo.jpg.")
    paths, several = _pictures(_IMAGE.value)
    sounds = _places(paths, _OUTPUT.value or "description", ".wav", several)
    images = _places(paths, _SEEN.value, ".png", several) if _SEEN.value else {}
    for sound in sounds.values():
        check_output(sound, _SAMPLE_RATE.value)
    for image in images.values():
        _check_seen(image)
    config = run.config()
    program.find_systems([config.system])
    data, seen, failed = config.data, {}, False
    for path in paths:
        try:
            seen[path] = read_image(path, data.image_shape, _INVERT.value, data.digit_size)
        except ImageError as error:
            if not several:
                raise
            # The others are worth having.
            print(f"error: {error}", file=sys.stderr)
            failed = True

    from mtnet_tf.data.slices import slices
    from mtnet_tf.describe import Describer
    from mtnet_tf.runs import devices

    devices.select_device(flags.FLAGS.device)
    describer, described, to_play = Describer(run_dir), list(seen.items()), []
    for rows in slices(len(described), _AT_ONCE):
        batch = described[rows]
        pictures = [image for _, (image, _) in batch]
        descriptions = describer.describe_all(pictures, voice=voice)
        for (path, (image, inverted)), description in zip(batch, descriptions):
            description.write(sounds[path], _SAMPLE_RATE.value)
            if images:
                write_image(images[path], image)
            light = inverted if inverted or data.digit_size is not None else None
            record = {"voice": voice, **_record(path, light, description, sounds[path])}
            print(json.dumps(record) if _JSON.value else _text(record), flush=True)
        to_play += descriptions if _PLAY.value else []
    # After all is written: there may be no player.
    for description in to_play:
        description.play()
    return int(failed)


def _voice(run: "RunFolder") -> str | None:
    """Returns the voice that speaks; None for a network that does not depend on it.

    Raises:
        InputError: there is no such voice, or none to choose.
    """
    if _VOICE.value is not None:
        run.voice_number(_VOICE.value)
    if not run.config().depends_on_voice:
        return None
    return _VOICE.value or run.voices()[0]


def _record(
    path: pathlib.Path, inverted: bool | None, description: "Description", sound: pathlib.Path
) -> dict[str, Any]:
    """Returns what is told of a picture, as JSON types."""
    return {
        "image": str(path),
        "inverted": inverted,
        "word": description.word,
        "sure": description.is_sure,
        "guesses": [dataclasses.asdict(guess) for guess in description.guesses[:_GUESSES]],
        "nearest_recording": None if description.guesses else _nearest(description.nearest),
        "sound": str(sound),
        "milliseconds": round(1000 * description.duration_secs),
    }


def _pictures(names: list[str]) -> tuple[list[pathlib.Path], bool]:
    """Returns the picture files, and whether there may be several of them.

    Of a folder these are the files with a picture's suffix: other files lie beside pictures, as the
    sounds of an earlier call do.

    Raises:
        InputError: a folder cannot be read or holds no picture, or two pictures have one name.
    """
    from mtnet_tf.data.picture_files import suffixes

    paths, several, known = [], len(names) > 1, suffixes()
    for path in map(pathlib.Path, names):
        if not os.path.isdir(path):
            paths.append(path)
            continue
        several = True
        try:
            files = sorted(p for p in path.iterdir() if p.is_file() and not p.name.startswith("."))
        except OSError as error:
            raise InputError(
                f"{path} cannot be read ({error.strerror}). Change the folder's permissions."
            ) from error
        found = [file for file in files if file.suffix.lower() in known]
        if not found:
            raise InputError(
                f"{path} holds no file with the suffix of a picture, such as .png. Name a folder"
                " with pictures in it, or a picture itself."
            )
        paths += found
    uses = collections.Counter(path.stem for path in paths)
    if twice := sorted(stem for stem, count in uses.items() if count > 1):
        raise InputError(
            f"Several pictures are called {', '.join(twice)}, and each writes a file of its name."
            " Describe them one by one."
        )
    return paths, several


def _places(
    paths: list[pathlib.Path], place: str, suffix: str, several: bool
) -> dict[pathlib.Path, pathlib.Path]:
    """Returns where the file of each picture is written.

    Raises:
        InputError: `place` names no file, or one would be written over a picture that is read.
    """
    file = pathlib.Path(place)
    if several:
        places = {path: file / f"{path.stem}{suffix}" for path in paths}
    elif file.name:
        places = {path: file if file.suffix else file.with_suffix(suffix) for path in paths}
    else:
        raise InputError(f"{place!r} is a folder. Name a file in it, such as word{suffix}.")
    read = set(map(os.path.realpath, paths))
    for file in places.values():
        if os.path.realpath(file) in read:
            raise InputError(
                f"{file} is a picture to be described, and would be lost. Write to another place."
            )
    return places


def _check_seen(path: pathlib.Path) -> None:
    """Raises InputError unless a file of what the network saw can be written."""
    from mtnet_tf.files import check_writable

    if path.suffix.lower() != ".png":
        raise InputError(f"--seen={path}: only .png can be written. Received: {path.suffix!r}.")
    check_writable(path)


def _nearest(found: tuple[str, float]) -> dict | None:
    """Returns the nearest recording as JSON types; None for silence, which is near to none."""
    word, corr2d = found
    return {"word": word, "corr2d": corr2d} if word else None


def _text(record: dict) -> str:
    """Returns what a record says, for a reader."""
    guesses = [f"{guess['word']} ({guess['probability']:.3f})" for guess in record["guesses"]]
    if not guesses:
        said, nearest = record["word"] or "silence", record["nearest_recording"]
        if nearest:
            said += f"; nearest recording: {nearest['word']} (Corr2D {nearest['corr2d']:.3f})"
    elif record["sure"]:
        said = f"{guesses[0]}, then {', '.join(guesses[1:])}" if guesses[1:] else guesses[0]
    else:
        said = f"not sure: {' or '.join(guesses)}"
    seen = "" if record["inverted"] is None else f"; light and dark: {_LIGHT[record['inverted']]}"
    written = f"written: {record['sound']}, {record['milliseconds']} ms"
    whose = "" if record["voice"] is None else f"; voice: {record['voice']}"
    return f"{record['image']}: {said}{seen}{whose}\n  {written}"


if __name__ == "__main__":
    program.run(main)
