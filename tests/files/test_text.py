"""Text, JSON and CSV: what is no such file is one error, and is not read without a limit."""

import os

import pytest

from mtnet_tf.files import FileError, read_json, read_npz, write_json


@pytest.mark.parametrize("read", [read_json, read_npz])
def test_what_is_no_such_file_is_one_error(read, tmp_path):
    path = tmp_path / "file"
    with pytest.raises(FileError, match="file is missing. Run the command again that writes it"):
        read(path)
    for data in (b"", b"PK", b"\xff\xfe", b"[1", bytes(1000)):
        path.write_bytes(data)
        with pytest.raises(FileError, match="cannot be read"):
            read(path)
    with pytest.raises(FileError, match="Is a directory"):
        read(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(FileError, match="it is no ordinary file"):
        read(tmp_path / "pipe")


def test_json_round_trip(tmp_path):
    values = {"a": [1, 2.5, None, "ü"], "b": {"c": True}}
    write_json(tmp_path / "a.json", {**values, "nan": float("nan")})
    assert read_json(tmp_path / "a.json") == {**values, "nan": None}


@pytest.mark.parametrize(
    "text, message",
    [
        ("[1, 2]", "it holds no JSON object"),
        ('{"a": NaN}', "it holds NaN, which is no JSON"),
        ('{"a": -Infinity}', "it holds -Infinity"),
        ('{"a": -1e999}', "it holds -1e999, which is too large a number"),
        ('{"a": ' + "[" * 100_000, "recursion"),
        ('{"a": ' + "9" * 5_000 + "}", "4300 digits"),
        ('{"a": 1', "Expecting"),
    ],
)
def test_json_that_is_none_is_one_error(text, message, tmp_path):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(FileError, match=f"a.json cannot be read .*{message}") as caught:
        read_json(tmp_path / "a.json")
    assert "Put it back from a copy, or delete it and run" in str(caught.value)


def test_json_without_end_is_not_read_whole(tmp_path):
    with open(tmp_path / "a.json", "wb") as file:
        file.truncate(10**12)
    with pytest.raises(FileError, match="more than 67,108,864 bytes"):
        read_json(tmp_path / "a.json")
