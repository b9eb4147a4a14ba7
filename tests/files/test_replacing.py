"""What a killed process left is no file of a folder; what cannot be written is told before."""

import pytest

from mtnet_tf.files import FileError, check_writable, remove_leftovers, replacing, whole_files


def test_what_a_killed_process_left_is_no_file_of_the_folder(tmp_path):
    for name in ("b.json", "a.json", ".4711_a.json", "c.txt"):
        (tmp_path / name).write_text("{}")
    assert whole_files(tmp_path) == [tmp_path / "a.json", tmp_path / "b.json"]
    assert whole_files(tmp_path, "*.txt") == [tmp_path / "c.txt"]
    assert whole_files(tmp_path / "none") == []


def test_a_folder_takes_the_place_of_another_one(tmp_path):
    path = tmp_path / "model"
    for number in (1, 2):
        with replacing(path) as temporary:
            temporary.mkdir()
            (temporary / f"{number}").touch()
            assert number == 1 or (path / "1").is_file()
        assert [p.name for p in path.iterdir()] == [f"{number}"]
    with pytest.raises(ZeroDivisionError), replacing(path) as temporary:
        temporary.mkdir()
        raise ZeroDivisionError
    assert [p.name for p in tmp_path.iterdir()] == ["model"]
    assert [p.name for p in path.iterdir()] == ["2"]


def test_what_a_killed_process_left_is_removed(tmp_path):
    """Also a folder, such as the SavedModel of a killed export; not what a link leads to."""
    kept, folder = tmp_path / "kept", tmp_path / "run"
    kept.mkdir()
    (folder / ".4711_saved_model/variables").mkdir(parents=True)
    (folder / ".4711_saved_model/variables/index").write_text("half")
    (folder / ".4711_a.json").write_text("half")
    (folder / ".4711_link").symlink_to(kept)
    (folder / "model.keras").write_text("whole")
    remove_leftovers(folder)
    assert [path.name for path in folder.iterdir()] == ["model.keras"]
    assert kept.is_dir()


def test_whether_a_file_can_be_written_is_told_and_nothing_made(tmp_path):
    check_writable(tmp_path / "a/b/c.json")
    (tmp_path / "file").write_text("")
    check_writable(tmp_path / "file")
    for place, reason in (
        (tmp_path, "cannot be written .Is a directory"),
        (tmp_path / "file/a/b", "b cannot be written: .*file is a file. Give a folder"),
        (tmp_path / ("a" * 300) / "b", "cannot be written .File name too long"),
    ):
        with pytest.raises(FileError, match=reason):
            check_writable(place)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
