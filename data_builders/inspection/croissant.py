"""The description of a prepared data set in Croissant, MLCommons' vocabulary (extra `croissant`).

It holds the licences of images and recordings, each file with its SHA-256, what a pair consists of,
and the recordings themselves as a table. Croissant has no reader of TFRecord files: read the pairs
with TFDS, or with `mtnet_tf.data`.
"""

from __future__ import annotations

import hashlib
from typing import Any

from mtnet_tf.data.pairs import DataError
from mtnet_tf.data.prepared import PREPARE_AGAIN, PreparedDataSet
from mtnet_tf.files import read_json

_SCHEMA = "https://schema.org/"
_UNKNOWN = "not stated"
_CITATION = (
    "Ning, Zheng, Yuan, Lu: Audio description from image by modal translation network."
    " Neurocomputing 423, 2021."
)
# field: (type, description), of a pair.
_PAIR = {
    "image_id": (_SCHEMA + "Text", "The image's split and its number in it."),
    "image": (_SCHEMA + "ImageObject", "The picture, PNG."),
    "label": (_SCHEMA + "Integer", "The number of the word."),
    "word": (_SCHEMA + "Text", "The word that the picture shows and the recording says."),
    "audio": (_SCHEMA + "AudioObject", "The recording: 16-bit samples, mono, not padded."),
    "recording_id": (_SCHEMA + "Integer", "The number of the recording."),
    "voice_id": (_SCHEMA + "Integer", "The number of the voice."),
}
_RECORDING = {
    "recording_id": (_SCHEMA + "Text", "<word>/<voice>_<take>."),
    "word": (_SCHEMA + "Text", "What it says."),
    "voice_id": (_SCHEMA + "Text", "Who says it."),
    "take": (_SCHEMA + "Integer", "The number of the take."),
    "num_samples": (_SCHEMA + "Integer", "Its length in samples."),
    "sha256": (_SCHEMA + "Text", "Of the file that it was read from."),
}


def croissant(dataset: PreparedDataSet) -> dict[str, Any]:
    """Returns the description as JSON types.

    Args:
        dataset: a prepared data set; its files are read for their hashes. Folders in it are left
            out, and links that lead nowhere.

    Raises:
        DataError: what the data set says of itself cannot be said by Croissant's rules.
        FileError: the data set does not describe itself.
        ImportError: the package `mlcroissant` is missing.
    """
    import mlcroissant as mlc

    try:
        return _metadata(dataset).to_json()
    except (mlc.ValidationError, LookupError, TypeError, AttributeError) as error:
        raise DataError(
            f"{dataset.path} cannot be described in Croissant ({error!r}). {PREPARE_AGAIN}"
        ) from error


def _metadata(dataset: PreparedDataSet) -> Any:
    """Returns the description, as a `mlcroissant.Metadata`."""
    import mlcroissant as mlc

    files = [
        path
        for path in sorted(dataset.path.iterdir())
        if path.is_file() and not path.name.startswith(".")
    ]
    distribution = [
        mlc.FileObject(
            id=path.name,
            name=path.name,
            content_url=path.name,
            content_size=f"{path.stat().length} B",
            encoding_formats=[_encoding(path.name)],
            sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        )
        for path in files
    ]
    distribution += [
        mlc.FileSet(
            id=f"{split}_files",
            name=f"{split}_files",
            description=f"The TFRecord files of the {split} split.",
            includes=f"*-{split}.tfrecord-*",
            encoding_formats=["application/x-tfrecord"],
        )
        for split in dataset.splits
    ]
    record_sets = [
        mlc.RecordSet(
            id=split,
            name=split,
            description=f"The {dataset.splits[split].num_pairs:,} pairs of the {split} split.",
            fields=[
                mlc.Field(
                    id=f"{split}/{name}",
                    name=name,
                    description=text,
                    data_types=[kind],
                    source=mlc.Source(file_set=f"{split}_files", extract=mlc.Extract(column=name)),
                )
                for name, (kind, text) in _PAIR.items()
            ],
        )
        for split in dataset.splits
    ]
    record_sets.append(_recordings(dataset))
    return mlc.Metadata(
        name=dataset.name.partition("/")[0],
        description=str(read_json(dataset.path / "dataset_info.json").get("description", "")),
        version=dataset.version,
        license=_licences(dataset),
        cite_as=_CITATION,
        distribution=distribution,
        record_sets=record_sets,
    )


def _recordings(dataset: PreparedDataSet) -> Any:
    """Returns the table of the recordings, which lies in the description itself."""
    import mlcroissant as mlc

    return mlc.RecordSet(
        id="recordings",
        name="recordings",
        description="The recordings, in the order of their numbers.",
        fields=[
            mlc.Field(id=f"recordings/{name}", name=name, description=text, data_types=[kind])
            for name, (kind, text) in _RECORDING.items()
        ],
        data=[
            {f"recordings/{name}": recording[name] for name in _RECORDING}
            for recording in dataset.metadata["recordings"]
        ],
    )


def _licences(dataset: PreparedDataSet) -> list[str]:
    made_by = dataset.metadata.get("recordings_made_by") or {}
    of_recordings = made_by.get("voice_licence") or made_by.get("source_licence") or _UNKNOWN
    return [
        f"images: {dataset.metadata.get('images_licence', _UNKNOWN)}",
        f"recordings: {of_recordings}",
    ]


def _encoding(name: str) -> str:
    if name.endswith(".json"):
        return "application/json"
    return "text/plain" if name.endswith(".txt") else "application/x-tfrecord"
