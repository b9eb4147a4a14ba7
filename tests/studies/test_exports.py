"""Each exported form is scored on the same pairs, and the table says how they compare."""

import json

import pytest

from mtnet_tf.errors import InputError
from mtnet_tf.metrics.score import chosen_metrics
from mtnet_tf.metrics.scoring_pool import ScoringPool
from mtnet_tf.reporting import exports
from mtnet_tf.runs.run_folder import RunFolder
from mtnet_tf.studies.exports import compare_exports

pytest.importorskip("tf2onnx")
FORMS = ["keras", "saved_model", "onnx", "onnx_float16", "onnx_int8"]
FORMS += ["litert", "litert_float16", "litert_int8"]


def test_every_form_is_scored_as_keras_is(short_runs, synthetic_data, tmp_path, monkeypatch):
    run = RunFolder(short_runs / "mtnet")
    references = synthetic_data.recordings.float_waveforms()
    with ScoringPool(references, 1, chosen_metrics(extras=False)) as pool:
        arguments = (run, synthetic_data, pool, tmp_path / "out")
        found = compare_exports(*arguments, device="cpu", num_pairs=4)
        with monkeypatch.context() as patch:
            for name in ("export", "describing_speed", "predicted_words"):
                patch.setattr(f"mtnet_tf.studies.exports.{name}", None)  # nothing is made again
            assert compare_exports(*arguments, device="cpu", num_pairs=4) == found
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
    (results / "onnx.json").write_text("{}")
    with pytest.raises(InputError, match="no result of experiments.compare_exports"):
        exports.section(results)
