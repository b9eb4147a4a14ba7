"""Recordings cut out of a long one: a person who reads a list of words, pausing after each."""

import dataclasses
import math
import os
import pathlib
from collections.abc import Callable, Sequence

import librosa
import numpy as np
from matplotlib.figure import Figure

from data_builders import recordings
from data_builders.errors import RecordingsError
from data_builders.recording_makers.new_folder import check_new, new_folder, write_record
from mtnet_tf import files
from mtnet_tf.data import audio, audio_files
from mtnet_tf.errors import install

MIN_SILENCE_SECS = 0.3  # longer than the stop in a word such as "eight"
SILENCE_DB = 35.0  # below the loudest 10 ms; a room is some 40 to 60 dB below a near voice
# A shorter sound is a click or a breath.
_MIN_PIECE_SECS = 0.1
# Kept around a piece at most: the end of "eight" is some 0.2 s and 40 dB behind its vowel. The
# builders trim word by word.
_MARGIN_SECS = 0.25
_LINE_SECS = 20  # of the picture


@dataclasses.dataclass(frozen=True)
class _Cut:
    """A piece of the recording, from sample `first` to before `end`."""

    word: str
    take: int
    first: int
    end: int
    heard: str | None


def make_cut_recordings(
    output_dir: os.PathLike | str,
    source: os.PathLike | str,
    words: Sequence[str],
    speaker: str = "me",
    min_silence_secs: float = MIN_SILENCE_SECS,
    silence_db: float = SILENCE_DB,
    recognize: Callable[[np.ndarray, int], str | None] | None = None,
    command: str | None = None,
) -> dict:
    """Cuts a long recording at its silences: `<word>/<speaker>_<take>.flac`, at its own rate.

    The words must be spoken in the order of the list, the whole list once for each take. A picture
    of the cuts is written beside the folder, as `<output_dir>_cuts.png`, also where they do not fit
    the words.

    Args:
        output_dir: folder to make; if it exists, it must be empty.
        source: a wav, flac, ogg or mp3 file, or one that PyAV reads, such as m4a (extra `m4a`).
        words: the words, with spaces, as they were read.
        speaker: whose voice it is; the files' name.
        min_silence_secs: the shortest silence that parts two words, in seconds.
        silence_db: silence is what lies this far below the loudest 10 ms, in dB.
        recognize: (samples, rate in Hz) -> the word that is heard, to check the cuts; None for no
            check.
        command: the command that asks for the folder, for the record.

    Returns:
        The record that `recordings.json` holds. Its "heard_otherwise" are the files in which
        `recognize` heard another word, {file: word or None}.

    Raises:
        RecordingsError: the pieces do not make whole takes of the words, an argument is out of
            range, a package is missing, or `output_dir` is in use.
        audio.AudioError: the recording cannot be read, or is silent.
        files.FileError: `output_dir` cannot be written.
    """
    check_new(output_dir)
    if not (0 < min_silence_secs < math.inf and 0 < silence_db < math.inf):
        raise RecordingsError(
            "--min_silence_secs and --silence_db must be above 0, and finite. Received:"
            f" {min_silence_secs}, {silence_db}."
        )
    recordings.check_file_name(f"{speaker}_0.flac", "--speaker")
    if "/" in speaker or not speaker or speaker.startswith("."):
        raise RecordingsError(
            f"--speaker must be the beginning of a visible file's name. Received: {speaker!r}."
        )
    samples, rate = _read(pathlib.Path(source))
    if not np.abs(samples).max() > 0:
        raise audio.AudioError(f"{source} is silent: every sample is zero. Record it again.")
    pieces = find_pieces(samples, rate, min_silence_secs, silence_db)
    picture = cuts_picture(output_dir)
    if not pieces or len(pieces) % len(words):
        labels = [str(number) for number in range(1, len(pieces) + 1)]
        _draw(picture, samples, rate, pieces, labels)
        raise RecordingsError(
            f"{source}: {len(pieces)} sounds lie between silences, which is no whole number of"
            f" takes of {len(words)} words. Look at {picture}. Too many: a cough, or a word in two"
            " parts; cut it out, or raise --min_silence_secs. Too few: words that run together, or"
            " that are too faint; lower --min_silence_secs, or raise --silence_db."
        )
    cuts = []
    for place, (first, end) in enumerate(pieces):
        heard = recognize(samples[first:end], rate) if recognize else None
        cuts.append(_Cut(words[place % len(words)], place // len(words), first, end, heard))
    with new_folder(output_dir) as folder:
        otherwise = {}
        for cut in cuts:
            name = f"{recordings.folder_name(cut.word)}/{speaker}_{cut.take}.flac"
            audio_files.write_audio(folder / name, samples[cut.first : cut.end], rate)
            if recognize and cut.heard != cut.word:
                otherwise[name] = cut.heard
        record = write_record(
            folder,
            {
                "made_by": f"{__package__}.make_cut_recordings",
                "command": command,
                "source": pathlib.Path(source).name,
                "parameters": {
                    "words": list(words),
                    "speaker": speaker,
                    "min_silence_secs": min_silence_secs,
                    "silence_db": silence_db,
                },
                "was_heard": recognize is not None,
                "heard_otherwise": otherwise,
            },
        )
        _draw(picture, samples, rate, pieces, [_label(cut, recognize is not None) for cut in cuts])
    return record


def cuts_picture(output_dir: os.PathLike | str) -> pathlib.Path:
    """Returns where the picture of the cuts is: beside the folder, `<output_dir>_cuts.png`."""
    return pathlib.Path(f"{os.path.abspath(output_dir)}_cuts.png")


def find_pieces(
    samples: np.ndarray, rate: int, min_silence_secs: float, silence_db: float
) -> list[tuple[int, int]]:
    """Returns the sounds of a recording that lie between silences.

    Args:
        samples: float [num_samples].
        rate: Hz.
        min_silence_secs: a shorter silence is part of a sound.
        silence_db: silence is what lies this far below the loudest 10 ms.

    Returns:
        [(first sample, sample after the last)], with up to 0.25 s of the silences around, and no
        more than half of one between two sounds. Sounds shorter than 0.1 s are left out.
    """
    frame = max(1, round(0.01 * rate))
    loud = librosa.effects.split(samples, top_db=silence_db, frame_length=frame, hop_length=frame)
    sounds = []
    for first, end in loud.tolist():
        if sounds and first - sounds[-1][1] < min_silence_secs * rate:
            sounds[-1][1] = end
        else:
            sounds.append([first, end])
    sounds = [sound for sound in sounds if sound[1] - sound[0] >= _MIN_PIECE_SECS * rate]
    bounds = [0, *((a[1] + b[0]) // 2 for a, b in zip(sounds, sounds[1:])), len(samples)]
    margin = round(_MARGIN_SECS * rate)
    return [
        (max(first - margin, before), min(end + margin, after))
        for (first, end), before, after in zip(sounds, bounds, bounds[1:])
    ]


def _read(path: pathlib.Path) -> tuple[np.ndarray, int]:
    """Returns float32 [num_samples] in [-1, 1], and the rate in Hz."""
    if path.suffix.lower() in recordings.AUDIO_SUFFIXES:
        return audio_files.read_audio(path)
    audio_files.read_file(path)  # refuses what is missing, too large or no file
    try:
        import av
    except ImportError as error:
        raise RecordingsError(
            f"{path}: files of this kind need the package av. {install('m4a')} Or convert it to"
            " wav, flac, ogg or mp3."
        ) from error
    parts, count = [], 0
    try:
        with av.open(str(path), mode="r", format=None) as container:
            rate = container.streams.audio[0].rate
            to_mono = av.AudioResampler(format="flt", layout="mono", rate=rate)
            for frame in container.decode(audio=0):
                for mono in to_mono.resample(frame):
                    parts.append(mono.to_ndarray()[0])
                    count += len(parts[-1])
                if count > audio_files.MAX_FILE_SECS * rate:
                    raise RecordingsError(
                        f"{path}: lasts more than {audio_files.MAX_FILE_SECS} s. Cut it into parts."
                    )
    except (av.FFmpegError, LookupError, ValueError) as error:
        raise audio.AudioError(
            f"{path}: cannot be decoded as audio ({error}). Convert it to wav, flac, ogg or mp3."
        ) from error
    if not count:
        raise audio.AudioError(f"{path}: holds no samples. Record it again.")
    samples = np.concatenate(parts)
    return samples / max(np.abs(samples).max(), 1.0), rate


def _label(cut: _Cut, was_heard: bool) -> str:
    label = f"{cut.word} {cut.take}"
    if was_heard and cut.heard != cut.word:
        label += f"\nheard: {cut.heard or '-'}"
    return label


def _draw(
    path: pathlib.Path,
    samples: np.ndarray,
    rate: int,
    pieces: Sequence[tuple[int, int]],
    labels: Sequence[str],
) -> None:
    """Draws the waveform in lines, with the pieces shaded and labelled."""
    num_lines = max(1, -(-len(samples) // (_LINE_SECS * rate)))
    figure = Figure(figsize=(14, 1.6 * num_lines), layout="constrained")
    axes = figure.subplots(num_lines, squeeze=False)[:, 0]
    # Enough points for the width of the picture.
    step = max(1, round(rate * 0.005))
    peaks = np.abs(np.pad(samples, (0, -len(samples) % step))).reshape(-1, step).max(axis=1)
    times = np.arange(len(peaks)) * step / rate
    for line, axis in enumerate(axes):
        axis.fill_between(times, -peaks, peaks, linewidth=0)
        axis.set(xlim=(line * _LINE_SECS, (line + 1) * _LINE_SECS), ylim=(-1, 1), yticks=[])
    for (first, end), label in zip(pieces, labels):
        for axis in axes:
            axis.axvspan(first / rate, end / rate, alpha=0.25, color="tab:orange", linewidth=0)
        axis = axes[min(first // (_LINE_SECS * rate), num_lines - 1)]
        axis.text(first / rate, 0.95, label, fontsize=7, verticalalignment="top", clip_on=True)
    axes[-1].set_xlabel("seconds")
    with files.replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=100)
