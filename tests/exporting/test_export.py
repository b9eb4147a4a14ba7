"""The exported forms against Keras, read as a program without this package would."""

import json
import pathlib
import shutil

import numpy as np
import pytest
import tensorflow as tf

from mtnet_tf.config import ConfigError, override
from mtnet_tf.exporting import export as export_lib
from mtnet_tf.exporting import litert, onnx_file, saved_model
from mtnet_tf.exporting.export import ExportError, export
from mtnet_tf.exporting.network import Exported
from mtnet_tf.files import FileError
from mtnet_tf.runs.cores import num_cores
from mtnet_tf.runs.run_folder import RunFolder
from mtnet_tf.systems.train import train
from mtnet_tf.systems.trained import load_network

WORDS = ["zero", "one", "two"]


@pytest.fixture(scope="module")
def runs(short_runs, tmp_path_factory):
    folder = shutil.copytree(short_runs, tmp_path_factory.mktemp("runs") / "copy")
    (folder / "mtnet/calibration.json").write_text('{"temperature": 2.0, "threshold": 0.75}')
    return folder


@pytest.fixture(scope="module")
def exported(runs):
    return Exported(RunFolder(runs / "mtnet"))


@pytest.fixture(scope="module")
def expected(runs, synthetic_data):
    """What Keras says of the test images."""
    network = load_network(RunFolder(runs / "mtnet"))
    outputs = network({"image": synthetic_data.test.images}, training=False)
    logits = outputs["logits"].numpy() / 2
    exponentials = np.exp(logits - logits.max(-1, keepdims=True))
    return {
        "waveform": outputs["waveform"].numpy(),
        "probabilities": exponentials / exponentials.sum(-1, keepdims=True),
    }


def assert_near(found, expected, tolerance=1e-5):
    assert set(found) == set(expected)
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, atol=tolerance, err_msg=name)


def assert_whole(metadata):
    assert metadata["words"] == WORDS and metadata["voices"] == ["a", "b"]
    assert (metadata["sample_rate"], metadata["threshold"]) == (22050, 0.75)
    assert (metadata["image_shape"], metadata["digit_size"]) == ([12, 12, 1], 8)


def test_saved_model(exported, expected, synthetic_data, tmp_path):
    found = export(exported, tmp_path / "model", "saved_model")
    assert found["num_bytes"] > 10_000 and max(found["largest_difference"].values()) < 1e-5
    signature = tf.saved_model.load(str(tmp_path / "model")).signatures["serving_default"]
    outputs = signature(image=tf.constant(synthetic_data.test.images))
    assert_near({name: value.numpy() for name, value in outputs.items()}, expected)
    assert_whole(json.loads((tmp_path / "model/assets.extra/metadata.json").read_text()))
    # Again, in its place.
    export(exported, tmp_path / "model", "saved_model")
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


@pytest.mark.parametrize("quantize, tolerance", [(None, 1e-5), ("float16", 5e-3), ("int8", 0.1)])
def test_onnx(quantize, tolerance, exported, expected, synthetic_data, tmp_path):
    pytest.importorskip("tf2onnx")
    onnxruntime = pytest.importorskip("onnxruntime")
    found = export(exported, tmp_path / "model", "onnx", quantize)
    assert found["path"] == str(tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(found["path"])
    assert [(i.name, i.type) for i in session.get_inputs()] == [("image", "tensor(uint8)")]
    names = [output.name for output in session.get_outputs()]
    outputs = session.run(names, {"image": synthetic_data.test.images})
    assert_near(dict(zip(names, outputs)), expected, tolerance)
    assert_whole(json.loads(session.get_modelmeta().custom_metadata_map["metadata"]))


def test_onnx_in_float16_of_a_network_that_does_not_standardise(
    tiny_config, synthetic_data, tmp_path
):
    """Its pixels are cast alone."""
    pytest.importorskip("tf2onnx")
    changes = ["image_encoder.standardize=false", "training.joint.epochs=0.1"]
    config = override(tiny_config, [*changes, "training.autoencoder.epochs=5"])
    train(config, synthetic_data, RunFolder(tmp_path / "run"), "cpu")
    found = export(Exported(RunFolder(tmp_path / "run")), tmp_path / "model", "onnx", "float16")
    assert max(found["largest_difference"].values()) < 5e-3


@pytest.mark.parametrize("quantize, tolerance", [(None, 1e-5), ("float16", 5e-3), ("int8", 0.1)])
def test_litert(quantize, tolerance, exported, expected, synthetic_data, tmp_path):
    interpreter_lib = pytest.importorskip("ai_edge_litert.interpreter")
    schema = pytest.importorskip("ai_edge_litert.schema_py_generated")
    found = export(exported, tmp_path / "model.tflite", "litert", quantize)
    runner = interpreter_lib.Interpreter(found["path"]).get_signature_runner("serving_default")
    outputs = [runner(image=image[None]) for image in synthetic_data.test.images]
    assert_near(
        {n: np.concatenate([o[n] for o in outputs]) for n in outputs[0]}, expected, tolerance
    )
    model = schema.ModelT.InitFromPackedBuf((tmp_path / "model.tflite").read_bytes(), 0)
    (metadata,) = [entry for entry in model.metadata if entry.name == b"metadata"]
    assert_whole(json.loads(bytes(model.buffers[metadata.buffer].data)))


@pytest.fixture(scope="module")
def with_voices(tiny_config, synthetic_data, tmp_path_factory):
    """A network of two voices, and its run folder."""
    config = override(
        tiny_config,
        [
            "voice.conditioning=concatenation",
            "data.num_voices=2",
            "training.joint.epochs=0.5",
            "training.autoencoder.epochs=5",
        ],
    )
    run = RunFolder(tmp_path_factory.mktemp("runs") / "with_voices")
    return train(config, synthetic_data, run, "cpu"), run


def test_litert_computes_on_all_cores(monkeypatch):
    interpreter_lib, given = pytest.importorskip("ai_edge_litert.interpreter"), {}
    monkeypatch.setattr(interpreter_lib, "Interpreter", lambda **options: given.update(options))
    litert.load(pathlib.Path("model.tflite"))
    assert given == {"model_path": "model.tflite", "num_threads": num_cores()}


@pytest.mark.parametrize("format_name", ["saved_model", "onnx", "litert"])
def test_the_voice_is_an_input_where_the_network_depends_on_it(
    format_name, with_voices, synthetic_data, tmp_path
):
    pytest.importorskip("tf2onnx")
    pytest.importorskip("ai_edge_litert")
    network, run = with_voices
    exported = Exported(run)
    assert json.loads(exported.metadata)["inputs"] == ["image", "voice"]
    found = export(exported, tmp_path / "model", format_name)
    call = export_lib.FORMATS[format_name].load(pathlib.Path(found["path"]))
    inputs = {"image": synthetic_data.test.images[:2], "voice": np.array([0, 1], np.int32)}
    expected = network(inputs, training=False)["waveform"].numpy()
    np.testing.assert_allclose(call(inputs)["waveform"], expected, atol=1e-5)
    other = call({**inputs, "voice": np.array([1, 1], np.int32)})["waveform"]
    assert np.abs(other[0] - expected[0]).max() > 1e-4
    np.testing.assert_allclose(other[1], expected[1], atol=1e-5)


def test_a_network_without_a_softmax_layer_has_no_probabilities(runs, tmp_path):
    found = export(Exported(RunFolder(runs / "gen_only")), tmp_path / "model", "saved_model")
    assert list(found["largest_difference"]) == ["waveform"]


def test_a_form_that_says_something_else_is_not_kept(exported, tmp_path, monkeypatch):
    pytest.importorskip("tf2onnx")
    load = onnx_file.load

    def wrong(path):
        call = load(path)
        return lambda inputs: {name: value + error for name, value in call(inputs).items()}

    monkeypatch.setattr(onnx_file, "load", wrong)
    (tmp_path / "model.onnx").write_text("an earlier one")
    for quantize, error, remedy in (
        (None, 0.01, "Use another format"),
        ("float16", 0.5, "Use a form without quantisation, or another format"),
    ):
        with pytest.raises(ExportError, match=f"is allowed; it was not kept. {remedy}."):
            export(exported, tmp_path / "model", "onnx", quantize)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["an earlier one"]


@pytest.mark.parametrize("name", ["waveform", "probabilities"])
def test_a_form_that_says_no_number_is_not_kept(name, exported, tmp_path, monkeypatch):
    load = saved_model.load

    def wrong(path):
        call = load(path)
        return lambda inputs: {**call(inputs), name: call(inputs)[name] * np.nan}

    monkeypatch.setattr(saved_model, "load", wrong)
    with pytest.raises(ExportError, match="off by nan"):
        export(exported, tmp_path / "model", "saved_model")
    assert not list(tmp_path.iterdir())


def test_only_a_saved_model_gives_way_to_a_saved_model(exported, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run/model.keras").write_text("weeks of training")
    with pytest.raises(ExportError, match="run is there and is no saved_model"):
        export(exported, tmp_path / "run", "saved_model")
    assert (tmp_path / "run/model.keras").read_text() == "weeks of training"
    for _ in range(2):
        export(exported, tmp_path / "model", "saved_model")
    with pytest.raises(ExportError, match="'.' is a folder. Give --output a name in it"):
        export(exported, ".", "onnx")
    with pytest.raises(FileError, match="cannot be written .*File name too long"):
        export(exported, tmp_path / ("a" * 5000), "saved_model")


def test_what_cannot_be_exported_is_one_error(exported, tmp_path, monkeypatch):
    with pytest.raises(ConfigError, match="saved_model has no int8 form"):
        export(exported, tmp_path / "model", "saved_model", "int8")

    def missing(*_):
        raise ImportError("No module named 'onnx'")

    monkeypatch.setattr(onnx_file, "write", missing)
    with pytest.raises(ExportError, match=r"No module named 'onnx'.*pip install -e '\.\[export\]'"):
        export(exported, tmp_path / "model", "onnx")
    assert not list(tmp_path.iterdir())
    assert set(export_lib.FORMATS) == {"saved_model", "onnx", "litert"}
