import json
import shutil

import pytest

from mtnet_tf.errors import InputError
from mtnet_tf.reporting import study as study_lib


def lines_of(table):
    return {line.split(" | ")[0].strip("| "): line for line in table.splitlines()}


def test_table_stands_beside_the_paper_and_hides_nothing(study):
    found = study_lib.read_study(study)
    assert list(found) == ["gen_only", "mtnet", "wrong_word"]
    lines = lines_of(study_lib.markdown_table(found))
    assert "0.9427 | 0.7500 ± 0.1000 | 3.1577" in lines["MT-Net"]
    failures = "(8 scored, 2 failed: floor mean 0.2500)"
    assert f"0.8560 | 0.5000 ± 0.1000 {failures}" in lines["Meth.(L_gen)"]
    assert f"0.5000 {failures} / 0.5000 {failures}" in lines["Meth.(L_gen)"]
    assert "| 8, 2 failed |" in lines["Meth.(L_gen)"]
    assert lines["Proposed(hole)"].count("not run") == 3
    assert "- (10 failed: floor mean 0.0000)" in lines["wrong word"]
    assert "95.00 %" in lines["MT-Net"]
    assert len({line.count("|") for line in lines.values()}) == 1


def test_text_table(study):
    text = study_lib.text_table(list(study_lib.read_study(study).values())[:2])
    assert "MT-Net" in text
    assert "0.7500" in text and "±" not in text
    assert "0.5000 (8 scored, 2 failed: floor mean 0.2500)" in text
    assert "not run" not in text


def test_report_folder(study, tmp_path):
    wavs = study / "mtnet/evaluation/test/model/wavs"
    wavs.mkdir()
    (wavs / "a_zero.wav").write_bytes(b"RIFF")
    (study / "mtnet/evaluation/test/wrong_word/summary.json").unlink()
    path = study_lib.write_report(study, tmp_path / "report")
    text = path.read_text()
    assert "`python -m x`" in text
    assert "how they were made is not recorded" in text and "precision float32" in text
    assert "50 images (2.0 epochs) in the last stage, 1,000 parameters" in text
    assert "[a_zero.wav](wavs/mtnet/a_zero.wav)" in text
    assert (tmp_path / "report/wavs/mtnet/a_zero.wav").read_bytes() == b"RIFF"


def test_the_report_of_one_run_folder_has_its_sounds(study, tmp_path):
    wavs = study / "mtnet/evaluation/test/model/wavs"
    wavs.mkdir()
    (wavs / "a_zero.wav").write_bytes(b"RIFF")
    (study / "mtnet/config.json").write_text('{"system": "mtnet"}')
    text = study_lib.write_report(study / "mtnet", tmp_path / "report").read_text()
    assert "[a_zero.wav](wavs/mtnet/a_zero.wav)" in text
    assert (tmp_path / "report/wavs/mtnet/a_zero.wav").read_bytes() == b"RIFF"


def test_controls_of_another_systems_run_are_in_the_report_with_their_sounds(study, tmp_path):
    control = "evaluation/test/wrong_word"
    shutil.copytree(study / "mtnet" / control, study / "gen_only" / control)
    for system in ("mtnet", "gen_only"):
        wavs = study / system / control / "wavs"
        wavs.mkdir()
        (wavs / "a_zero.wav").write_text(system)
    sound = tmp_path / "report/wavs/wrong_word/a_zero.wav"
    study_lib.write_report(study, tmp_path / "report")
    assert sound.read_text() == "mtnet"  # the controls are its own
    shutil.rmtree(study / "mtnet" / control)
    text = study_lib.write_report(study, tmp_path / "report").read_text()
    assert "| wrong word |" in text and "(wavs/wrong_word/a_zero.wav)" in text
    assert sound.read_text() == "gen_only"
    assert study_lib.controls_note(study_lib.read_study(study), {}) is None


@pytest.mark.parametrize(("said", "label"), [("gen_only", "Meth.(L_gen)"), ("gone", "gone")])
def test_the_picture_names_the_system_that_it_is_of(said, label, study, tmp_path):
    (tmp_path / "examples.json").write_text(json.dumps({"said": {said: [], "mtnet": []}}))
    text = study_lib.write_report(study, tmp_path).read_text()
    assert f"## Examples of {label}\n\n![" in text
    assert f"generated waveform and spectrogram of {label}](examples.png)" in text


@pytest.mark.parametrize("record", ["{}", '{"said": {}}', '{"said": 3}'])
def test_a_broken_record_of_examples_is_one_error(record, study, tmp_path):
    (tmp_path / "examples.json").write_text(record)
    with pytest.raises(InputError, match="examples.json is no result of experiments.ablation"):
        study_lib.write_report(study, tmp_path)


def test_controls_are_there_or_the_table_says_where(study):
    whole = study_lib.read_study(study)
    alone = {"mtnet": whole["mtnet"]}
    assert study_lib.controls_note(whole, {}) is None
    assert "those of other are over the same pairs" in study_lib.controls_note(
        alone, {"other": whole}
    )
    elsewhere = {"other": {"wrong_word": whole["wrong_word"] | {"num_pairs": 9}}}
    assert "none were scored" in study_lib.controls_note(alone, elsewhere)


def test_a_row_that_is_gone_is_in_no_later_collection(study, tmp_path):
    study_lib.collect(study, tmp_path / "results")
    shutil.rmtree(study / "gen_only")
    assert study_lib.collect(study, tmp_path / "results") == ["mtnet", "wrong_word"]
    assert study_lib.read_committed(tmp_path / "results") == study_lib.read_study(study)


def test_rows_on_other_data_are_refused(study):
    path = study / "gen_only/evaluation/test/model/summary.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"num_pairs": 9}))
    with pytest.raises(InputError, match="not comparable, num_pairs differs"):
        study_lib.read_study(study)


@pytest.mark.parametrize(
    "trained", [{"preset": "small"}, {"precision": "mixed_bfloat16"}, {"seed": 1}]
)
def test_systems_that_were_trained_otherwise_are_refused(trained, study):
    path = study / "gen_only/evaluation/test/model/summary.json"
    control = study / "mtnet/evaluation/test/wrong_word/summary.json"
    for changed in (control, path):
        study_lib.read_study(study)  # a control is no training
        values = json.loads(changed.read_text())
        values["provenance"] |= trained
        changed.write_text(json.dumps(values))
    (key,) = trained
    with pytest.raises(InputError, match=f"comparable, {key} differs.*Move the runs that were"):
        study_lib.read_study(study)


@pytest.mark.parametrize("config", ["{}", '{"system": ["mtnet"]}'])
def test_a_run_folder_that_names_no_system_is_one_error(config, study):
    (study / "mtnet/config.json").write_text(config)
    with pytest.raises(InputError, match="config.json names no system"):
        study_lib.read_study(study / "mtnet")


@pytest.mark.parametrize("lost", ["metrics/stoi", "provenance/steps", "provenance/recordings"])
def test_a_summary_of_another_version_is_one_error(lost, study, tmp_path):
    path, (part, key) = study / "mtnet/evaluation/test/model/summary.json", lost.split("/")
    values = json.loads(path.read_text())
    del values[part][key]
    path.write_text(json.dumps(values))
    with pytest.raises(InputError, match=f"is no result of experiments.evaluate.*{key}"):
        study_lib.write_report(study, tmp_path / "report")
    assert not (tmp_path / "report").exists()


def test_folder_without_results(tmp_path):
    with pytest.raises(InputError, match="holds no evaluation of the test split"):
        study_lib.read_study(tmp_path)
    (tmp_path / "mtnet/evaluation/test/model").mkdir(parents=True)
    (tmp_path / "mtnet/evaluation/test/model/summary.json").write_text("{")
    with pytest.raises(InputError, match="summary.json cannot be read"):
        study_lib.read_study(tmp_path)
