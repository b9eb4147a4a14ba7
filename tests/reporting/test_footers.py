from mtnet_tf.reporting import footers
from mtnet_tf.reporting.study import read_study


def test_the_footer_says_how_the_recordings_were_made(study):
    found = read_study(study)
    recordings = found["mtnet"]["provenance"]["recordings"]
    recordings["made_by"] = {"command": "python -m maker --x", "parameters": {}}
    assert "Recordings: `python -m maker --x`." in footers.footer(found)
    recordings["made_by"] = {"made_by": "some.function", "parameters": {"seed": 3}}
    assert "Recordings: some.function, {'seed': 3}." in footers.footer(found)


def test_whose_numbers_stand_beside_a_data_set_that_the_paper_does_not_have(summary):
    digits = summary("model", "MT-Net", 0.5)
    assert digits["dataset"].startswith("digits_ad/")
    told = "The paper has no digits_ad. Its numbers are those of mnist_ad, and do not compare."
    assert footers.paper_lines(digits) == [told]
    assert told in footers.footer({"mtnet": digits})
    assert footers.paper_lines(digits | {"dataset": "mnist_ad/one_recording-0123"}) == []


def test_each_way_once_behind_what_was_made_so():
    trained = {
        "training_hardware": "a GPU", "training_command": "train", "hardware": "a CPU",
        "command": "score", "versions": {"python": "3"}, "git_commit": "abc",
    }  # fmt: skip
    scored = {name: trained[name] for name in ("hardware", "command", "versions", "git_commit")}
    assert footers.way(trained) == "on a GPU. python 3; code abc. `train`"
    assert footers.way(scored) == "on a CPU. python 3; code abc. `score`"
    later = trained | {"training_git_commit": "def", "training_versions": {"python": "2"}}
    assert footers.way(later) == "on a GPU. python 2; code def, scored with code abc. `train`"
    resumed = {"hardware": "a TPU", "git_commit": "123", "command": "train --x"}
    again = footers.way(trained | {"training_resumed": [resumed]})
    assert again.endswith("`train`, continued on a TPU with code 123 by `train --x`")
    made = [("b", ": x"), ("a", ": y"), ("c", ": x"), ("b", ": x")]
    assert footers.made_lines(made) == ["b, c: x", "a: y"]
    assert footers.made_lines(made, lambda names: str(len(names))) == ["3: x", "1: y"]


def test_epochs_of_older_results_are_of_the_papers_splits(summary):
    old = summary("model", "MT-Net", 0.5) | {"dataset": "cifar10_ad/one_recording-0123"}
    del old["provenance"]["num_training_pairs"]
    old["provenance"]["images_seen"] = 75_000
    assert footers.epochs(old) == 1.5


def test_pairs_without_a_score_are_told_with_their_rows(summary):
    whole, lacks = summary("model", "MT-Net", 0.5), summary("model", "MT-Net", 0.5)
    assert footers.unscored_lines({"a": whole}) == []
    lacks["metrics"]["pesq"]["num_failed_references"] = 3
    told = "PESQ has no value for 3 of the 10 pairs{}, because of their recordings: they are in no"
    (line,) = footers.unscored_lines({"a": lacks, "b": lacks})
    assert line == f"{told.format('')} mean."
    (line,) = footers.unscored_lines({"a": whole, "b": lacks})
    assert line == f"{told.format(' of b')} mean."
    assert line in footers.footer({"a": whole, "b": lacks})
