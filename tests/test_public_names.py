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


def test_public_names():
    names = "Config Describer RunFolder System configure evaluate_run load_data override preset"
    names += " read_image register train"
    code = f"""
import mtnet_tf
from mtnet_tf import Describer, evaluate_run, train
assert set({names.split()}) <= set(dir(mtnet_tf))
print(*[getattr(mtnet_tf, name).__name__ for name in {names.split()}])
"""
    assert python(code) == names


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
    path = tmp_path_factory.mktemp("models") / "model.keras"
    python(f"""
import keras
from mtnet_tf.layers import {LAYERS.replace(" ", ", ")}
image = keras.Input((8, 8, 1))
x = MirrorAverage(keras.layers.Conv2D(1, 3, padding="same"))(image)
x = Conv2DTranspose(1, 2, strides=2)(Conv2D(2, 2, strides=2)(x))
x = DilatedConv2D(2, 3, dilation_rate=2)(PerImageStandardization()(x))
x = GradientScale(0.5)(FusedBatchNormalization()(x))
x = GatedResidualBlock1D(3, 2, "glorot_uniform", "zeros")(keras.layers.Reshape((64, 2))(x))
logits = LetterDecoder(30, 5, 4, 6)(keras.layers.Flatten()(x))
x = SpokenLetters(900)(keras.ops.argmax(logits, axis=-1))
keras.Model(image, x).save({str(path)!r})
""")
    return path


ORDERS = [
    ["mtnet_tf", "keras"],
    ["keras", "mtnet_tf"],
    ["mtnet_tf", "tensorflow"],
    ["tensorflow", "mtnet_tf"],
    ["mtnet_tf.layers.dilated_conv2d"],
    ["mtnet_tf.models.mtnet"],
]


@pytest.mark.parametrize("order", ORDERS, ids=" ".join)
def test_keras_reads_a_stored_model(order, model_file):
    keras = "tf.keras" if "tensorflow" in order else "keras"
    code = f"""
{"; ".join(f"import {module}" for module in order)}
import {"tensorflow as tf" if "tensorflow" in order else "keras"}
model = {keras}.models.load_model({str(model_file)!r})
print(*sorted({{type(layer).__name__ for layer in model.layers}} & set({LAYERS.split()})))
"""
    assert python(code) == LAYERS
