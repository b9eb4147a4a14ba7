"""The tables of the voices, from made-up results."""

import json

import pytest

from mtnet_tf.errors import InputError
from mtnet_tf.reporting import voices

EXAMPLES = {
    "chosen": [{"word": "fire & smoke"}],
    "voices": ["<joe>"],
    "columns": {"recording": "the recording", "new": "learned later"},
    "nearest": {"recording": {"<joe>": ["fire & smoke, <joe>"]}, "new": {}},
}


@pytest.fixture
def write(summary, tmp_path):
    """A function that writes the result of a network whose scores are `means`."""

    def write(role, means, voice=None, sd=None, preset="tiny", **more):
        result = summary("model", role, 0.5)
        for metric, values in result["metrics"].items():
            values["floor_mean"] = means.get(metric, 0.5)
        result["provenance"]["preset"] = preset
        said = {name: values["floor_mean"] for name, values in result["metrics"].items()}
        result |= {
            "role": role, "row": role, "voice": voice, "heard": [], "network": f"the {role}",
            "voice_accuracy": 1.0, "per_voice": {"joe": {"metrics": said, "voice_accuracy": 0.75}},
        }  # fmt: skip
        result |= more
        if sd is not None:
            result["per_voice"]["joe"]["sd"] = sd
        (tmp_path / f"{role}.json").write_text(json.dumps(result))

    write.folder = tmp_path
    return write


def test_networks_that_do_not_compare_are_one_error(write):
    write("all", {})
    write("deaf", {}, preset="tuned")
    with pytest.raises(InputError, match="preset differs: {'all': 'tiny', 'deaf': 'tuned'}"):
        voices.section(write.folder)


def test_scores_as_shares_of_those_of_a_network_alone(write):
    write("all", {"pesq": None})
    write("alone", {"corr2d": 0.0, "stoi": 0.8}, voice="joe")
    text = voices.section(write.folder)
    row = "| joe | 0.5000 / - / 0.5000 | 75.00 % | not run | 0.0000 / 0.5000 / 0.8000 |"
    assert f"{row} - / - / 62.5 % |" in text
    assert "It is met in Corr2D for 0, PESQ for 0, STOI for 0 of 1, the voices that" in text
    write("alone", {"corr2d": 0.515, "stoi": 0.516}, voice="joe")
    assert "Corr2D for 1, PESQ for 0, STOI for 0 of 1, the" in voices.section(write.folder)


def test_an_older_result_does_not_say_how_often_a_voice_is_told(write):
    write("all", {}, per_voice={"joe": {"metrics": {"corr2d": 0.5, "pesq": 2.0, "stoi": 0.25}}})
    text = voices.section(write.folder)
    assert "| joe | 0.5000 / 2.0000 / 0.2500 | not run | not run |" in text
    assert "nearest to their voice" not in text


def test_the_spread_of_a_voice_stands_where_it_is_known(write):
    write("all", {"pesq": 2.0}, sd={"corr2d": 0.1, "pesq": 0.25, "stoi": None})
    text = voices.section(write.folder)
    assert "| joe | 0.5000 ± 0.1000 / 2.0000 ± 0.2500 / 0.5000 | 75.00 % |" in text


def test_the_words_that_were_never_heard_are_named(write):
    write("base", {})
    per_word = {word: {"num_pairs": 1, "metrics": {"corr2d": 1, "pesq": 1, "stoi": 1}} for word in
                ("two", "one", "four")}  # fmt: skip
    known = {"metrics": {m: {"floor_mean": 1} for m in ("corr2d", "pesq", "stoi")}}
    write("new", {}, voice="joe", per_word=per_word, heard=["one"], known_voices=known)
    assert "| 1 of 3; never two, four |" in voices.section(write.folder)


@pytest.fixture
def page_of(tmp_path):
    """A function that writes examples.json and returns the page."""

    def page_of(examples, title="Voices"):
        (tmp_path / "examples").mkdir(exist_ok=True)
        (tmp_path / "examples/examples.json").write_text(json.dumps(examples))
        return voices.page(tmp_path, title)

    return page_of


def test_the_column_of_a_network_that_there_is_not_is_left_out(page_of):
    assert "learned later" not in page_of(EXAMPLES)
    new = {"<joe>": ["fire & smoke, <joe>"]}
    page = page_of(EXAMPLES | {"nearest": EXAMPLES["nearest"] | {"new": new}})
    assert '<th scope="col">learned later</th>' in page
    assert "One voice was also learned later" in page


def test_words_and_voices_may_be_any_text(page_of, tmp_path):
    page = page_of(EXAMPLES, "Voices & sounds")
    assert "<title>Voices &amp; sounds, to be heard</title>" in page
    assert "<h2>fire &amp; smoke</h2>" in page
    assert "<br>&lt;joe&gt;</th>" in page
    assert "<joe>" not in page
    assert f'src="{tmp_path.name}/examples/sounds/1__joe__recording.flac"' in page
    assert f'src="{tmp_path.name}/examples/images/1.png"' in page


def test_the_mean_of_words_leaves_out_those_that_a_metric_cannot_score():
    def group(num_pairs, pesq):
        return {"num_pairs": num_pairs, "metrics": {"corr2d": 0.5, "pesq": pesq, "stoi": 0.25}}

    groups = [group(10, 3.0), group(30, 4.0), group(60, None)]
    assert voices._mean_scores(groups) == "0.5000 / 3.7500 / 0.2500"
    assert voices._mean_scores(groups[2:]) == "0.5000 / - / 0.2500"
    assert voices._mean_scores([]) == ""
