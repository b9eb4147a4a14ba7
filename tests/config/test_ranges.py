"""Every field of the configuration refuses what it must not hold, whichever way the value comes."""

import dataclasses
import json
import math

import numpy as np
import pytest

from mtnet_tf import config as config_lib
from mtnet_tf.config import AudioAutoencoderConfig, ConfigError, DataConfig, OptimizerConfig, preset
from mtnet_tf.config.ranges import Form, Length, Range, checked, checked_fields

# `paper` with the part that it leaves out.
BASE = dataclasses.replace(
    preset("paper"),
    training=dataclasses.replace(
        preset("paper").training, image_encoder_optimizer=OptimizerConfig()
    ),
)
FIELDS = config_lib.flatten(dataclasses.asdict(BASE))
WEIGHTS = ("loss.perceptual_weight", "loss.representation_weight")
# None in `paper`.
UNUSED = ("loss.audio_feature_weight", "loss.spectral_weight")
OPTIONAL = [*WEIGHTS, *UNUSED, "data.digit_size"] + [
    f"training.{optimizer}.clip_norm"
    for optimizer in (
        *(f"{stage}.optimizer" for stage in ("autoencoder", "joint", "adversarial", "inverter")),
        "image_encoder_optimizer",
        "discriminator_optimizer",
    )
]
MANY_DIGITS = "9" * 400


def kind_of(name):
    """The kind of value that a field holds; those with None for their default hold numbers."""
    return float if FIELDS[name] is None else type(FIELDS[name])


def wrong_texts(name):
    """Values, as an override has them, that no field of this kind may hold."""
    numbers = ["-1e30", "1e30", "-" + MANY_DIGITS, MANY_DIGITS]
    never = ["NaN", "Infinity", "-Infinity", "1e999", "{}", "[[]]", '{"a": 1}']
    none = [] if name in OPTIONAL else ["null"]
    kind = kind_of(name)
    if kind is bool:
        return [*never, *numbers, *none, "0", "1", "yes", '""', "[]"]
    if kind is int:
        return [*never, *numbers, *none, "1.5", "true", '"1"', "", "one", "[1]"]
    if kind is float:
        return [*never, *numbers, *none, "true", '"1"', "", "one", "[1]"]
    if kind is str:
        return [*never, *numbers, *none, "1", "true", "", "no such thing", "Ünïcode", "a" * 1000]
    assert kind is tuple
    entries = [*never, *numbers, "null", "true", "1.5", '"1"', "[1]"]
    return [*never[:5], *none, "1", "true", "", "one", str([1] * 1000)] + [
        f"[{entry}]" for entry in entries
    ]


@pytest.mark.parametrize("name", list(FIELDS))
def test_every_field_has_a_range(name):
    """A number without a range takes -1e30 or 1e30, a text without a form takes anything."""
    for text in wrong_texts(name):
        with pytest.raises(ConfigError) as caught:
            config_lib.override(BASE, [f"{name}={text}"])
        message = str(caught.value)
        assert message.startswith(f"{name} must ") or message.startswith(f"{name}[0] must "), text
        assert f"Received: {name}" in message
        assert len(message) < 500
        assert "\n" not in message


@pytest.mark.parametrize("name", list(FIELDS))
def test_every_field_is_checked_in_python_and_in_json_too(name):
    for wrong in (math.nan, -(10**30), object()):
        with pytest.raises(ConfigError, match=f"^{name} must "):
            in_python(name, wrong)
    values = nested({**FIELDS, name: math.nan})
    with pytest.raises(ConfigError, match=f"^{name} must "):
        config_lib.from_json(json.dumps(values))


def in_python(name, value):
    """The configuration with one field replaced as Python code replaces it."""
    *parents, leaf = name.split(".")
    parts = [BASE]
    for parent in parents:
        parts.append(getattr(parts[-1], parent))
    for part, key in zip(reversed(parts), [leaf, *reversed(parents)]):
        value = dataclasses.replace(part, **{key: value})
    return value


def nested(flat):
    values = {}
    for name, value in flat.items():
        *parents, leaf = name.split(".")
        target = values
        for parent in parents:
            target = target.setdefault(parent, {})
        target[leaf] = value
    return values


def test_optional_fields_may_be_none():
    config = config_lib.override(BASE, [f"{name}=null" for name in OPTIONAL])
    values = config_lib.flatten(dataclasses.asdict(config))
    assert [values[name] for name in OPTIONAL] == [None] * len(OPTIONAL)
    assert config_lib.from_json(config_lib.to_json(config)) == config


def test_a_part_may_be_left_out_and_given():
    without = config_lib.override(BASE, ["training.image_encoder_optimizer=null"])
    assert without == preset("paper")
    given = json.dumps(dataclasses.asdict(OptimizerConfig()))
    assert config_lib.override(without, [f"training.image_encoder_optimizer={given}"]) == BASE
    assert config_lib.from_json(config_lib.to_json(without)) == without


@pytest.mark.parametrize(
    "assignment, message",
    [
        (
            "training.joint.batch_size=0",
            "training.joint.batch_size must be at least 1. Received: training.joint.batch_size=0.",
        ),
        ("training.joint.batch_size=100000", "must be at most 65,536"),
        ("training.joint.optimizer.learning_rate=-1", "learning_rate must be at least 1e-30"),
        ("training.joint.optimizer.momentum=5", "momentum must be below 1. Received"),
        ("training.joint.epochs=0", "training.joint.epochs must be above 0"),
        ("training.joint.epochs=Infinity", "epochs must be a finite number. Received: .*=inf."),
        ("training.joint.epochs=NaN", "epochs must be a finite number"),
        ("training.joint.epochs=1e999", "epochs must be a finite number"),
        (f"training.joint.epochs={MANY_DIGITS}", "epochs must be a finite number"),
        ("training.joint.epochs=", "epochs must be a number. Received: training.joint.epochs=''."),
        ("training.log_steps=0", "training.log_steps must be at least 1"),
        ("training.seed=-1", "training.seed must be at least 0"),
        ("training.seed=4294967296", "training.seed must be at most 4,294,967,295"),
        ("data.image_shape=[28,28]", r"image_shape must have 3 entries. Received: .*=\(28, 28\)."),
        ("data.image_shape=[28,28,2]", r"image_shape\[2\] must be one of 1, 3. Received: .*=2."),
        ("data.image_shape=[0,28,1]", r"image_shape\[0\] must be at least 1"),
        ("data.audio_length=1000000000000", "audio_length must be at most 10,000,000"),
        ("image_encoder.widths=[]", "widths must have from 1 to 32 entries"),
        ("image_encoder.widths=[1000000000]", r"widths\[0\] must be at most 65,536"),
        ("image_encoder.kernel_size=33", "kernel_size must be at most 31"),
        ("image_encoder.pool_after=[1,1]", "pool_after must name each block once"),
        ("image_encoder.pool_after=[1,2,3,4,5]", "must leave at least one pixel"),
        ("data.digit_size=29", "digit_size must be at most 28, the smaller side of data.image_sha"),
        ("audio_autoencoder.feature_layer=6", "must be a hidden layer from 1 to 5"),
        ("system=Foo bar", "system must be a name of lower-case letters"),
        ("data.audio_length=10000000", "audio_autoencoder must have at most 2,000,000,000 weights"),
        ("training.joint.batch_size=65536", "training.joint.batch_size must be at most 2,491 with"),
        ("=3", "There is no key '' to override"),
        ("a.b=", "There is no key 'a.b' to override"),
        ("training={}", "The fields of training do not fit this version .missing: .*joint"),
        ("training.image_encoder_optimizer=1", "optimizer must be an object of fields"),
        ("training.image_encoder_optimizer.rho=0", "There is no key .* Did you mean"),
        ("training.joint.epochs", "reads key=value"),
        ("", "reads key=value"),
        (f"preset={'a' * 20000}", "An override reads key=value, in at most 10,000 characters"),
        (f"training.seed={'9' * 5000}", "too many digits"),
        (f"image_encoder.widths={'[' * 9000}", "too many lists within lists|must be a list"),
        ("ключ=1", "There is no key 'ключ' to override"),
        ("training.joint.epochs=\udcff", r"must be a number. Received: .*'\\udcff'"),
    ],
)
def test_the_message_names_field_rule_and_value(assignment, message):
    with pytest.raises(ConfigError, match=message) as caught:
        config_lib.override(preset("paper"), [assignment])
    assert "\n" not in str(caught.value)


def test_a_colour_image_has_no_digit():
    config = config_lib.override(preset("paper"), ["data.image_shape=[16, 16, 3]"])
    assert config.data.digit_size == 20


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "not JSON"),
        ("{}", "do not fit this version .missing: adversarial, audio_autoencoder"),
        ("[]", r"must be an object of fields. Received: \[\]"),
        ("NaN", "must be an object of fields. Received: nan"),
        ("[" * 50_000, "too many lists within lists"),
        ("[" * 200_000 + "]" * 200_000, "at most 100,000 characters. Received: 400,000"),
        ("9" * 5_000, "too many digits"),
        ("\0", "not JSON"),
    ],
)
def test_json_that_is_no_configuration(text, message):
    with pytest.raises(ConfigError, match=message):
        config_lib.from_json(text)


def test_json_with_another_part():
    values = json.loads(config_lib.to_json(preset("tiny")))
    for wrong in (None, 5, [], "x"):
        with pytest.raises(ConfigError, match="^training.joint must be an object of fields"):
            config_lib.from_json(
                json.dumps({**values, "training": {**values["training"], "joint": wrong}})
            )


def test_numbers_are_held_in_one_type():
    """An integer for a float and a number of NumPy's are held as the JSON round trip gives them."""
    config = dataclasses.replace(
        preset("paper"),
        data=DataConfig(num_classes=np.int64(10), validation_fraction=np.float64(0.5)),
        audio_autoencoder=AudioAutoencoderConfig(hidden_units=[8, 1024], feature_layer=2),
    )
    assert type(config.data.num_classes) is int
    assert type(config.data.validation_fraction) is float
    assert type(config.training.joint.epochs) is float
    assert config.audio_autoencoder.hidden_units == (8, 1024)
    assert hash(config) == hash(config_lib.from_json(config_lib.to_json(config)))


def test_a_field_of_a_type_without_rules_is_a_bug():
    @dataclasses.dataclass
    class Part:
        field: complex

    with pytest.raises(TypeError, match="field has a type that is not known here"):
        checked_fields({"field": 1.0}, Part)


def test_ranges_by_hand():
    rules = {
        Range(least=1): [(0.9, "must be at least 1"), (1, None)],
        Range(most=1000): [(1001, "must be at most 1,000"), (1000, None)],
        Range(above=0): [(0, "must be above 0"), (1e-9, None)],
        Range(below=1): [(1, "must be below 1"), (0.999, None)],
        Range(odd=True): [(2, "must be odd"), (3, None)],
        Length(1, 2): [((), "must have from 1 to 2 entries"), ((1, 2), None)],
        Form("[a-z]+", "a word"): [
            ("a1", "must be a word"),
            ("a\n", "must be a word"),
            ("a", None),
        ],
    }
    for rule, cases in rules.items():
        for value, broken in cases:
            assert rule.broken(value) == broken, (rule, value)
    assert checked(3, int, "n") == 3


def random_overrides(random):
    """A configuration of small layers whose other fields lie anywhere in their range."""

    def pick(*values):
        return values[random.integers(len(values))]

    def layers(least=1):
        return random.integers(1, 9, random.integers(least, 4)).tolist()

    widths, hidden, units = layers(), layers(), layers()
    feature_layer = int(random.integers(1, len(hidden) + 1))
    units[-1] = hidden[feature_layer - 1]
    blocks = random.permutation(len(widths))[: random.integers(len(widths) + 1)] + 1
    values = {
        "data.image_shape": [pick(1, 8, 16), pick(1, 8, 16), pick(1, 3)],
        "data.digit_size": None,
        "data.num_classes": pick(1, 5),
        "data.audio_length": pick(1, 50),
        "image_encoder.widths": widths,
        "image_encoder.kernel_size": pick(1, 3, 31),
        "image_encoder.dilation_rates": pick([1], [64], [2] * len(widths)),
        "image_encoder.pool_after": blocks.tolist(),
        "image_encoder.activation": pick("relu", "tanh"),
        "image_encoder.residual_batch_norm": pick(True, False),
        "image_encoder.residual_zero_init": pick(True, False),
        "image_encoder.average_flips": pick(True, False),
        "image_encoder.standardize": pick(True, False),
        "image_encoder.feature_units": layers(),
        "image_encoder.dropout_rate": pick(0, 0.5, math.nextafter(1, 0)),
        "audio_autoencoder.hidden_units": hidden,
        "audio_autoencoder.feature_layer": feature_layer,
        "audio_autoencoder.batch_norm": pick(True, False),
        "cross_modal_mapper.units": units,
        "cross_modal_mapper.dropout_rate": pick(0, math.nextafter(1, 0)),
        "audio_generator.kind": pick("gated_residual", "autoencoder_decoder"),
        "audio_generator.num_blocks": pick(0, 1, 3),
        "audio_generator.channels": pick(1, 1, 1, 2),
        "audio_generator.kernel_size": pick(1, 3, 31),
        "audio_generator.dilation_rate": pick(1, 2, 64),
        "audio_generator.hidden_units": layers(0),
        "audio_generator.dropout_rate": pick(0, math.nextafter(1, 0)),
        "initialization.kernel": pick("truncated_normal", "truncated_normal_fan_in"),
        "initialization.kernel_scale": pick(1e-30, 1, 100),
        "initialization.bias": pick(-100, 0, 100),
        "batch_norm.momentum": pick(0, math.nextafter(1, 0)),
        "batch_norm.epsilon": pick(1e-30, 10),
        "loss.perceptual_weight": pick(None, 0, 1e6),
        "training.precision": pick("float32", "mixed_bfloat16", "mixed_float16"),
        "training.joint.optimizer.name": pick("adam", "rmsprop", "nesterov"),
        "training.joint.optimizer.learning_rate": pick(1e-30, 10),
        "training.joint.optimizer.epsilon": pick(1e-30, 10),
        "training.joint.optimizer.clip_norm": pick(None, 1e-30, 1e9),
        "training.joint.optimizer.warmup_steps": pick(0, 10**9),
        "training.joint.optimizer.momentum": pick(0, math.nextafter(1, 0)),
        "training.joint.optimizer.initial_mean_square": pick(0, 1e6),
        "training.joint.optimizer.average_decay": pick(0, 0.5, math.nextafter(1, 0)),
    }
    return [f"{name}={json.dumps(value)}" for name, value in values.items()]


def build_and_update(config, random):
    """Builds both networks, applies each to two rows, and updates the weights once."""
    import keras
    import tensorflow as tf

    from mtnet_tf.models.audio_autoencoder import build_audio_autoencoder
    from mtnet_tf.models.mtnet import build_mtnet
    from mtnet_tf.training.optimizers import build_optimizer

    keras.utils.set_random_seed(0)
    model, autoencoder = build_mtnet(config), build_audio_autoencoder(config)
    images = random.integers(0, 256, (2, *config.data.image_shape)).astype(np.uint8)
    outputs = {
        **autoencoder(tf.zeros([2, config.data.audio_length]), training=True),
        **model(images, training=True),
    }
    optimizer = build_optimizer(config.training.joint.optimizer, 10)
    weights = model.trainable_variables
    optimizer.build(weights)
    optimizer.apply([tf.zeros_like(weight) for weight in weights], weights)
    return {**outputs, **{weight.path: weight.value for weight in model.variables}}


def test_what_the_ranges_allow_can_be_built():
    """A seeded sample: each configuration is one ConfigError, or a network of finite numbers."""
    random, built, refused = np.random.default_rng(1), 0, 0
    while built < 4:
        try:
            config = config_lib.override(preset("tiny"), random_overrides(random))
        except ConfigError:
            refused += 1
            continue
        for name, value in build_and_update(config, random).items():
            if value.dtype.is_floating:
                assert np.isfinite(value.numpy()).all(), (name, config)
        built += 1
    assert refused < 20
