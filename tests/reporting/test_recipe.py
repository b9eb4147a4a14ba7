"""The recipe study from result files as `experiments.recipe` writes them."""

import json

import pytest

from mtnet_tf.errors import InputError
from mtnet_tf.reporting import recipe

MEANS = (0.88851, 3.00490, 0.84736)


@pytest.fixture
def write(tmp_path):
    def write(change, base, accuracy, generation, dataset="cifar10_ad", seed=0, **changes):
        looks = [
            {"step": 1, "validation_accuracy": 0.1, "validation_generation": 99.0},
            {"step": 9, "validation_accuracy": accuracy, "validation_generation": generation},
        ]
        result = {
            "change": change, "label": f"label of {change}", "base": base, "preset": "small",
            "seed": seed, "precision": "float32", "dataset": f"{dataset}/x", "num_pairs": 47500,
            "num_validation_pairs": 2500, "recordings": {"fingerprint": "0" * 64, "used": []},
            "command": "python -m x", "versions": {"python": "3"}, "git_commit": "abc",
            "looks": looks, "training_command": "python -m x --a", "training_hardware": "h",
            "training_seconds": 341.4, "images_seen": 94976, **changes,
        }  # fmt: skip
        path = tmp_path / f"{dataset}_{change}_seed{seed}.json"
        path.write_text(json.dumps(result))
        return path

    write.folder = tmp_path
    return write


def rows(text):
    return [
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in text.splitlines()
        if line.startswith("| `")
    ]


def test_an_adversarial_study_has_the_accuracy_of_its_words_and_no_generation_loss(write):
    """That of the best validation, whose network is the one that is kept and scored."""
    for change, base, accuracy in (("baseline", None, 0.5), ("hinge", "baseline", 0.75)):
        looks = [
            {"step": step, "validation_word_accuracy": share}
            for step, share in enumerate((0.1, accuracy, 0.2))
        ]
        write(change, base, 0, 0, looks=looks)
    text = recipe.section(write.folder)
    first, second = rows(text)
    assert first[3:6] == ["50.00 %", "", ""]
    assert second[3:6] == ["75.00 %", "+25.00", ""]
    assert "Validation accuracy is here the share of the spectrograms" in text


def test_a_study_of_texts_has_the_accuracy_of_the_texts(write):
    write("baseline", None, 0, 0, looks=[{"step": 1, "validation_text_accuracy": 0.25}])
    text = recipe.section(write.folder)
    assert rows(text)[0][3:6] == ["25.00 %", "", ""]
    assert "Validation accuracy is here the share of the texts that are right" in text


def test_an_adversarial_study_says_so_where_a_change_diverged(write):
    first = write("adam", "hinge", 0, 0, diverged={"error": "The loss ..."})
    result = json.loads(first.read_text())
    del result["looks"]
    first.write_text(json.dumps(result))
    write("hinge", None, 0, 0, looks=[{"step": 1, "validation_word_accuracy": 0.5}])
    assert "Validation accuracy is here the share of" in recipe.section(write.folder)


def test_changes_with_other_overrides_do_not_compare(write):
    write("baseline", None, 0.6, 60.0, overrides=["training.joint.epochs=1"])
    write("older", "baseline", 0.6, 60.0)  # it does not say
    recipe.section(write.folder)
    write("better", "baseline", 0.7, 60.0, overrides=[])
    with pytest.raises(InputError, match="on cifar10_ad are not comparable, --override differs"):
        recipe.section(write.folder)


def test_groups_by_base_best_first_and_differences_in_points(write):
    write("nesterov", "balanced", 0.71, 41.0)
    write("balanced", "baseline", 0.70, 40.0)
    write("baseline", None, 0.60, 60.0)
    write("decay", "balanced", 0.75, 44.0)
    write("worse", "baseline", 0.55, 61.5)
    write("orphan", "gone", 0.95, 1.0)
    found = rows(recipe.section(write.folder))
    assert [(row[0].partition("`: ")[0][1:], row[1][1:-1]) for row in found] == [
        ("baseline", "small"), ("balanced", "baseline"), ("worse", "baseline"),
        ("decay", "balanced"), ("nesterov", "balanced"), ("orphan", "gone"),
    ]  # fmt: skip
    assert found[0] == [
        "`baseline`: label of baseline", "`small`", "0", "60.00 %", "", "60", "", "", "341",
        "94,976",
    ]  # fmt: skip
    assert found[2][3:6] == ["55.00 %", "-5.00", "61.5"]
    assert found[3][3:6] == ["75.00 %", "+5.00", "44"]
    assert found[5][4] == "not run"


def test_speech_is_shown_where_it_was_scored(write):
    metrics = {name: {"floor_mean": mean} for name, mean in zip(("corr2d", "pesq", "stoi"), MEANS)}
    scores = {"num_pairs": 1000, "metrics": metrics, "blended": 0.25}
    write("baseline", None, 0.60, 60.0)
    write("balanced", "baseline", 0.70, 40.0, scores=scores)
    text = recipe.section(write.folder)
    assert [row[6:8] for row in rows(text)] == [
        ["", ""],
        ["0.8885 / 3.0049 / 0.8474", "25.00 %"],
    ]
    assert "Speech is scored over 1,000 of them." in text


def test_what_diverged_is_last_and_said(write):
    of_training = ("looks", "training_seconds", "images_seen")
    for change, error in (("sgd", "Stage joint, step 9: ..."), ("adam", "Stage 1 is dead: ...")):
        path = write(change, "baseline", 0, 0, diverged={"error": error})
        result = json.loads(path.read_text())
        path.write_text(json.dumps({k: v for k, v in result.items() if k not in of_training}))
    write("baseline", None, 0.6, 60.0)
    write("worse", "baseline", 0.01, 61.0)
    write("slower", "sgd", 0.5, 62.0)
    found = rows(recipe.section(write.folder))
    assert [row[0].partition("`: ")[0][1:] for row in found] == [
        *("baseline", "worse", "adam", "sgd", "slower"),
    ]
    assert found[2][3:] == ["diverged: Stage 1 is dead", *[""] * 6]
    assert found[3][3:] == ["diverged: Stage joint, step 9", *[""] * 6]
    assert found[4][3:6] == ["50.00 %", "", "62"]  # there is nothing to compare it with


def test_a_change_is_held_against_its_base_with_the_same_seed_and_data_set(write):
    for seed, accuracy in ((0, 0.5), (1, 0.6)):
        write("baseline", None, accuracy, 60.0, seed=seed)
    write("better", "baseline", 0.65, 60.0, seed=1)
    write("baseline", None, 0.2, 60.0, dataset="cifar100_ad")
    write("better", "baseline", 0.25, 60.0, dataset="cifar100_ad")
    text = recipe.section(write.folder)
    assert text.index("### cifar100_ad") < text.index("### cifar10_ad")
    assert [row[4] for row in rows(text)] == ["", "+5.00", "", "", "+5.00"]


def test_each_way_once(write):
    write("baseline", None, 0.5, 60.0)
    write("better", "baseline", 0.6, 60.0)
    write("last", "baseline", 0.6, 60.0, training_command="python -m x --b")
    text = recipe.section(write.folder)
    assert "- `baseline`, `better`: on h. python 3; code abc. `python -m x --a`" in text
    assert "- `last`: on h. python 3; code abc. `python -m x --b`" in text
    assert "over 2,500 pairs" in text and "its 47,500" in text


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"precision": "mixed_bfloat16"}, "precision differs"),
        ({"num_validation_pairs": 9}, "num_validation_pairs differs"),
        ({"recordings": {"fingerprint": "1" * 64}}, "the recordings differs"),
        ({"change": "baseline"}, "holds twice"),
        ({"looks": []}, "is no result of experiments.recipe"),
        ({"looks": [{"step": 1}]}, "is no result of experiments.recipe"),
    ],
)
def test_what_does_not_compare_or_is_broken_is_refused(changes, message, write):
    write("baseline", None, 0.5, 60.0)
    recipe.section(write.folder)
    path = write("other", "baseline", 0.5, 60.0)
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    with pytest.raises(InputError, match=message):
        recipe.section(write.folder)
