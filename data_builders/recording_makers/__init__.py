"""Makes recordings folders: of a synthetic voice, of FSDD, or out of a long recording of a person.

Each function writes `<word>/<speaker>_<take>.<suffix>` and, beside the words, `recordings.json`:
what made them, with which parameters, and the SHA-256 of each file. A folder appears under its name
only when it is complete.
"""

from data_builders.recording_makers.fsdd import make_fsdd_recordings
from data_builders.recording_makers.long_recording import cuts_picture, make_cut_recordings
from data_builders.recording_makers.voice import (
    make_espeak_ng_recordings,
    make_piper_recordings,
    parse_words,
)

__all__ = [
    "cuts_picture",
    "make_cut_recordings",
    "make_espeak_ng_recordings",
    "make_fsdd_recordings",
    "make_piper_recordings",
    "parse_words",
]
