"""Each exported form is scored on the same pairs, and the table says how they compare."""

import json

import pytest

from mtnet_tf.errors import InputError
from mtnet_tf.metrics.score import chosen_metrics
from mtnet_tf.metrics.scoring_pool import ScoringPool
from mtnet_tf.reporting import exports
from mtnet_tf.runs.run_folder import RunFolder
from mtnet_tf.studies import exports as study
from mtnet_tf.studies.exports import compare_exports

FORMS = ["keras", "saved_model", "onnx", "onnx_float16", "onnx_int8"]
FORMS += ["litert", "litert_float16", "litert_int8"]


def test_every_form_is_scored_as_keras_is(short_runs, synthetic_data, tmp_path):
    pytest.importorskip("tf2onnx")
    run = RunFolder(short_runs / "mtnet")
    references = synthetic_data.recordings.float_waveforms()
    with ScoringPool(references, 1, chosen_metrics(extras=False)) as pool:
        found = compare_exports(
            run, synthetic_data, pool, tmp_path / "out", device="cpu", num_pairs=4
        )
    assert [summary["candidate"] for summary in found] == FORMS
    keras, *others = found
    assert keras["num_bytes"] == (run / "model.keras").stat().st_size
    assert keras["classifier_accuracy"] is not None and keras["num_pairs"] == 4
    for summary in others:
        exact = summary["candidate"] in ("saved_model", "onnx", "litert")
        assert summary["largest_difference"]["waveform"] < (1e-4 if exact else 0.2)
        assert summary["num_bytes"] > 1000
        assert summary["provenance"]["description_milliseconds"] > 0
        if exact:
            assert summary["classifier_accuracy"] == keras["classifier_accuracy"]
            assert summary["metrics"]["corr2d"]["mean"] == pytest.approx(
                keras["metrics"]["corr2d"]["mean"], abs=1e-4
            )
    results = tmp_path / "results"
    results.mkdir()
    for summary in found:
        (results / f"{summary['candidate']}.json").write_text(json.dumps(summary))
    lines = exports.section(results).splitlines()
    assert lines[2].startswith("| keras | ")
    assert len([line for line in lines if line.startswith("| ")]) == 2 + len(FORMS)
    fewer = {**found[1], "num_pairs": 3}
    (results / f"{found[1]['candidate']}.json").write_text(json.dumps(fewer))
    with pytest.raises(InputError, match="are not comparable, num_pairs differs"):
        exports.section(results)
    (results / "onnx.json").write_text("{}")
    with pytest.raises(InputError, match="no result of experiments.compare_exports"):
        exports.section(results)


def test_a_form_that_is_there_is_not_made_again(short_runs, synthetic_data, tmp_path, monkeypatch):
    monkeypatch.setattr(study, "FORMATS", {"saved_model": study.FORMATS["saved_model"]})
    references = synthetic_data.recordings.float_waveforms()
    with ScoringPool(references, 1, ["corr2d"]) as pool:

        def compare():
            return compare_exports(
                RunFolder(short_runs / "mtnet"), synthetic_data, pool, tmp_path,
                device="cpu", num_pairs=4,
            )  # fmt: skip

        found = compare()
        for name in ("export", "describing_speed", "predicted_words"):
            monkeypatch.setattr(study, name, None)
        assert compare() == found
    assert [summary["candidate"] for summary in found] == ["keras", "saved_model"]
    assert found[0]["classifier_accuracy"] == found[1]["classifier_accuracy"] is not None
    assert found[1]["largest_difference"]["waveform"] < 1e-4
