"""The listening page, from made-up examples."""

import html.parser
import json

import pytest

from mtnet_tf.errors import InputError
from mtnet_tf.reporting import listening


class Parser(html.parser.HTMLParser):
    """The players, pictures and words of a page, and whether its tags match."""

    def __init__(self):
        super().__init__()
        self.open, self.audio, self.images, self.words = [], [], [], []

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag not in ("meta", "link", "img", "br"):
            self.open.append(tag)
        if tag == "audio":
            self.audio.append(attributes)
        if tag == "img":
            self.images.append(attributes)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] == "span":
            self.words.append(data)


@pytest.fixture
def tables(tmp_path):
    folder = tmp_path / "tables/mnist_ad_examples"
    (folder / "sounds").mkdir(parents=True)
    chosen = [
        {"image_id": "1", "word": "a<b", "retrieved_word": "a<b", "corr2d": 0.9},
        {"image_id": "2", "word": "two", "retrieved_word": "", "corr2d": 0.1},
    ]
    said = {"mtnet": ["a<b", ""], "dcmavg": ["two", "two"], "other": ["x", "x"]}
    record = {"chosen": chosen, "said": said, "controls": {"mean_waveform": ["two", "two"]}}
    record["heard"] = {"true": ["a<b", "two"], "mtnet": ["two", ""], "dcmavg": ["two", "two"]}
    (folder / "examples.json").write_text(json.dumps(record))
    for place, word in ((1, "good_a_b"), (2, "bad_two")):
        for name in ("true", "mtnet", "dcmavg", "mean_waveform"):
            (folder / f"sounds/{place}_{word}_{name}.flac").write_bytes(b"")
    return tmp_path / "tables"


def test_every_row_is_a_player_that_loads_nothing(tables):
    text = listening.page(tables)
    parser = Parser()
    parser.feed(text)
    assert parser.open == []
    assert [player["preload"] for player in parser.audio] == ["none"] * 8
    sounds = [player["src"] for player in parser.audio]
    assert sounds[0] == "tables/mnist_ad_examples/sounds/1_good_a_b_true.flac"
    assert all((tables.parent / sound).is_file() for sound in sounds)
    # In the order of the tables, whoever spoke first.
    assert [sound.partition("a_b_")[2] for sound in sounds[:4]] == [
        "true.flac", "mtnet.flac", "dcmavg.flac", "mean_waveform.flac",
    ]  # fmt: skip
    # What is nearest and what was heard, in turn; nobody listened to the control.
    assert parser.words == [
        *("a<b", "a<b", "a<b", "two", "two", "two", "two"),
        *("two", "two", "silence", "no word", "two", "two", "two"),
    ]
    assert text.count('class="wrong"') == 6
    assert text.count("heard: ") == 6
    assert 'aria-label="two, mean waveform"' in text
    assert text.count("(good)") == text.count("(bad)") == 1
    assert [image["alt"] for image in parser.images] == ["a<b", "two"]
    assert "http" not in text and "As spectrograms" not in text
    (tables / "mnist_ad_examples/systems.png").write_bytes(b"")
    link = '<a href="tables/mnist_ad_examples/systems.png">As spectrograms</a>'
    assert link in listening.page(tables)


def test_a_name_that_ends_like_another_is_another(tables):
    sounds = tables / "mnist_ad_examples/sounds"
    (sounds / "1_good_a_b_other_mtnet.flac").write_bytes(b"")
    page = listening.page(tables)
    assert "1_good_a_b_mtnet.flac" in page and "other_mtnet" not in page


def test_without_examples_there_is_no_page(tmp_path):
    assert listening.page(tmp_path) == ""


def test_a_broken_record_is_one_error(tables):
    path = tables / "mnist_ad_examples/examples.json"
    path.write_text(json.dumps({"chosen": [{}], "said": {}}))
    with pytest.raises(InputError, match="examples.json is no result.*first seed again"):
        listening.page(tables)


def test_a_sound_that_is_not_there_is_one_error(tables):
    for path in (tables / "mnist_ad_examples/sounds").glob("1_*_mtnet.flac"):
        path.unlink()
    with pytest.raises(InputError, match="1_good_a_b_mtnet.flac is missing.*first seed again"):
        listening.page(tables)
