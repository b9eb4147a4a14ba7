"""`import mtnet_tf` is light, offers its public names, and lets Keras read stored models."""

import ast
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[1]
LAYERS = (
    "Conv2D Conv2DTranspose DilatedConv2D FusedBatchNormalization GatedResidualBlock1D"
    " GradientScale LetterDecoder MirrorAverage PerImageStandardization SpokenLetters"
)


def python(code):
    """What a new process prints that runs `code`."""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_import_is_light():
    heavy = "{'tensorflow', 'keras', 'numpy', 'scipy', 'PIL', 'librosa'}"
    assert python(f"import sys, mtnet_tf; print(sorted({heavy} & set(sys.modules)))") == "[]"


def test_configuration_needs_no_tensorflow():
    code = "import sys, mtnet_tf; mtnet_tf.preset('tiny'); print('tensorflow' in sys.modules)"
    assert python(code) == "False"


def test_unknown_name():
    import mtnet_tf

    with pytest.raises(AttributeError, match="'mtnet_tf' has no attribute 'nonsense'"):
        _ = mtnet_tf.nonsense


def test_type_checkers_see_the_same_names():
    tree = ast.parse((ROOT / "mtnet_tf/__init__.py").read_text())
    (block,) = [node for node in tree.body if isinstance(node, ast.If)]
    imported = {alias.asname: node.module for node in block.body for alias in node.names}
    import mtnet_tf

    assert imported == mtnet_tf._PUBLIC


@pytest.fixture(scope="module")
def model_file(tmp_path_factory):
    """A stored model of all layers of the project."""
    import keras  # here and not above: the other tests import nothing

    from mtnet_tf import layers

    image = keras.Input((8, 8, 1))
    x = layers.MirrorAverage(keras.layers.Conv2D(1, 3, padding="same"))(image)
    x = layers.Conv2DTranspose(1, 2, strides=2)(layers.Conv2D(2, 2, strides=2)(x))
    x = layers.DilatedConv2D(2, 3, dilation_rate=2)(layers.PerImageStandardization()(x))
    x = layers.GradientScale(0.5)(layers.FusedBatchNormalization()(x))
    x = keras.layers.Reshape((64, 2))(x)
    x = layers.GatedResidualBlock1D(3, 2, "glorot_uniform", "zeros")(x)
    logits = layers.LetterDecoder(30, 5, 4, 6)(keras.layers.Flatten()(x))
    x = layers.SpokenLetters(900)(keras.ops.argmax(logits, axis=-1))
    path = tmp_path_factory.mktemp("models") / "model.keras"
    keras.Model(image, x).save(path)
    return path


def loading(order, path):
    """Code that reads a stored model after these imports, and prints which layers it found."""
    keras = "tf.keras" if "tensorflow" in order else "keras"
    return f"""
{"; ".join(f"import {module}" for module in order)}
import {"tensorflow as tf" if "tensorflow" in order else "keras"}
model = {keras}.models.load_model({str(path)!r})
print(*sorted({{type(layer).__name__ for layer in model.layers}} & set({LAYERS.split()})))
"""


ORDERS = [
    ["keras", "mtnet_tf"],
    ["mtnet_tf", "tensorflow"],
    ["tensorflow", "mtnet_tf"],
    ["mtnet_tf.layers.dilated_conv2d"],
    ["mtnet_tf.models.mtnet"],
]


@pytest.mark.parametrize("order", ORDERS, ids=" ".join)
def test_keras_reads_a_stored_model(order, model_file):
    assert python(loading(order, model_file)) == LAYERS


def test_public_names(model_file):
    """In the process of a sixth order of imports, after the model was read."""
    names = "Config Describer RunFolder System configure evaluate_run load_data override preset"
    names += " read_image register train"
    code = f"""
{loading(["mtnet_tf", "keras"], model_file)}
from mtnet_tf import Describer, evaluate_run, train
assert set({names.split()}) <= set(dir(mtnet_tf))
print(*[getattr(mtnet_tf, name).__name__ for name in {names.split()}])
"""
    assert python(code).splitlines() == [LAYERS, names]
