"""What each part of a training recipe brings; `small` and `tuned` have what helped.

Every change is trained for as many epochs as its base, unless its label says for how many.
"""

import dataclasses
import json

from mtnet_tf.config import OptimizerConfig
from mtnet_tf.studies.changes.change import Change

_PRECISION = "training.precision=mixed_bfloat16"
_JOINT = "training.joint."
_OPTIMIZER = "training.joint.optimizer."
_IMAGE_SIDE = "training.image_encoder_optimizer."
_ENCODER = "image_encoder."

# What `small` was before the search. Every change of the first round starts here.
_BASELINE = (
    _PRECISION,
    "training.image_encoder_optimizer=null",
    _JOINT + "epochs=2",
    _JOINT + "batch_size=64",
    _OPTIMIZER + "name=rmsprop",
    _OPTIMIZER + "learning_rate=0.0002",
    _OPTIMIZER + "warmup_steps=200",
    _OPTIMIZER + "rho=0.9",
    _OPTIMIZER + "epsilon=1e-7",
    _ENCODER + "pool_after=[1,2]",
    _ENCODER + "residual_batch_norm=false",
    _ENCODER + "average_flips=false",
    "batch_norm.momentum=0.99",
    "augmentation.alternating_flip=false",
    "augmentation.translation=0",
    "loss.generation_weight=1",
    "loss.generation_gradient=1",
    "loss.generation_target=true_word",
    "loss.label_smoothing=0",
)

# What `small` was before the search on CIFAR100 AD.
_BEFORE_CIFAR100 = (
    _PRECISION,
    "loss.generation_weight=0.002",
    "loss.generation_gradient=1",
    "loss.generation_target=true_word",
)

# Eq. 9 sums over some 20,000 samples. At weight 1 it is nearly the whole gradient of the encoder.
_BALANCED = ("loss.generation_weight=0.02",)

_SGD = OptimizerConfig(name="nesterov", learning_rate=0.2, warmup_steps=200)

CHANGES = {
    "baseline": Change("`small` before the search, two epochs", _BASELINE, base=None),
    "balanced": Change("generation loss weighs .02, not 1", _BALANCED),
    "pool_124": Change(
        "pooled after blocks 1, 2 and 4 (2.8 epochs, not 2)",
        (_ENCODER + "pool_after=[1,2,4]", _JOINT + "epochs=2.8"),
        "balanced",
    ),
    "epsilon": Change(
        "RMSProp with epsilon 1e-3, rate 3e-3",
        (_OPTIMIZER + "epsilon=1e-3", _OPTIMIZER + "learning_rate=0.003"),
        "balanced",
    ),
    "batch_norm": Change(
        "BN in the residual branch", (_ENCODER + "residual_batch_norm=true",), "balanced"
    ),
    "nesterov": Change(
        "Nesterov SGD, rate .1, batches of 128",
        (
            _OPTIMIZER + "name=nesterov",
            _OPTIMIZER + "learning_rate=0.1",
            _JOINT + "batch_size=128",
        ),
        "balanced",
    ),
    "other_weights": Change(
        "instead: perceptual loss weighs 25, representation loss 50",
        ("loss.perceptual_weight=25", "loss.representation_weight=50"),
    ),
    "small_5": Change(
        "BN in the branch, flip, translation, smoothing .1, batches of 128, rate 5e-4, 5 epochs",
        (
            _ENCODER + "residual_batch_norm=true",
            "augmentation.alternating_flip=true",
            "augmentation.translation=2",
            "loss.label_smoothing=0.1",
            _JOINT + "batch_size=128",
            _JOINT + "epochs=5",
            _OPTIMIZER + "learning_rate=0.0005",
        ),
        "pool_124",
    ),
    "gentle": Change(
        "rate 1e-4 and decay 1e-5",
        (_OPTIMIZER + "learning_rate=0.0001", "loss.decay_weight=0.00001"),
        "pool_124",
    ),
    "long_5": Change(
        "flip, translation, smoothing .1, 5 epochs",
        (
            "augmentation.alternating_flip=true",
            "augmentation.translation=2",
            "loss.label_smoothing=0.1",
            _JOINT + "epochs=5",
        ),
        "pool_124",
    ),
    "rho_0.99": Change("rho .99", (_OPTIMIZER + "rho=0.99",), "pool_124"),
    "from_zero": Change(
        "rho .99, mean square from 0 as in Keras",
        (_OPTIMIZER + "rho=0.99", _OPTIMIZER + "initial_mean_square=0"),
        "pool_124",
    ),
    "nesterov_norm": Change(
        "Nesterov SGD, rate .2, batches of 128, BN in the branch, smoothing .1; generation loss"
        " weighs .05, two fifths of its gradient reach phi",
        (
            _ENCODER + "residual_batch_norm=true",
            "loss.label_smoothing=0.1",
            "loss.generation_weight=0.05",
            "loss.generation_gradient=0.4",
            _OPTIMIZER + "name=nesterov",
            _OPTIMIZER + "learning_rate=0.2",
            _JOINT + "batch_size=128",
        ),
        "pool_124",
    ),
    "nesterov_no_holes": Change("no holes", (_ENCODER + "dilation_rates=[1]",), "nesterov_norm"),
    "split": Change(
        "image encoder and softmax by Nesterov SGD .2, the rest by RMSProp 5e-4; batches of 128, BN"
        " in the branch, smoothing .1",
        (
            _ENCODER + "residual_batch_norm=true",
            "loss.label_smoothing=0.1",
            "training.image_encoder_optimizer=" + json.dumps(dataclasses.asdict(_SGD)),
            _JOINT + "batch_size=128",
            _OPTIMIZER + "learning_rate=0.0005",
        ),
        "pool_124",
    ),
    "split_no_holes": Change("no holes", (_ENCODER + "dilation_rates=[1]",), "split"),
    "split_gradient_.1": Change(
        "no holes, a tenth of the generation loss's gradient reaches phi",
        (_ENCODER + "dilation_rates=[1]", "loss.generation_gradient=0.1"),
        "split",
    ),
    "split_gradient_0": Change(
        "no holes, no gradient of the generation loss reaches phi",
        (_ENCODER + "dilation_rates=[1]", "loss.generation_gradient=0"),
        "split",
    ),
    "split_gradient": Change(
        "a tenth of the generation loss's gradient reaches phi",
        ("loss.generation_gradient=0.1",),
        "split",
    ),
    "split_rmsprop": Change(
        "image side by RMSProp with epsilon 1, which is momentum",
        (
            _IMAGE_SIDE + "name=rmsprop",
            _IMAGE_SIDE + "rho=0.9",
            _IMAGE_SIDE + "epsilon=1",
        ),
        "split_gradient",
    ),
    "split_weight": Change(
        "instead: generation loss weighs .002, and all of its gradient reaches phi",
        ("loss.generation_weight=0.002", "loss.generation_gradient=1"),
        "split_rmsprop",
    ),
    "median": Change(
        "smooth L1 with threshold .02, weight .0001: nearly the absolute error",
        ("loss.smooth_l1_threshold=0.02", "loss.generation_weight=0.0001"),
        "split_weight",
    ),
    "true_features": Change(
        "the generator learns from the true audio features too, weight .002",
        ("loss.audio_feature_weight=0.002",),
        "split_weight",
    ),
    "spectral": Change(
        "and the loss on short-time spectra, weight .1",
        ("loss.spectral_weight=0.1",),
        "split_weight",
    ),
    # The second round: one part at a time, from what `small` is without its augmentation.
    "zero_init": Change(
        "the last layer of each residual branch starts at zero",
        (_ENCODER + "residual_zero_init=true",),
        "split_weight",
    ),
    "bn_momentum_.9": Change(
        "BN momentum .9, not .99", ("batch_norm.momentum=0.9",), "split_weight"
    ),
    "rate_.4": Change(
        "rate .4 on the image side", (_IMAGE_SIDE + "learning_rate=0.4",), "split_weight"
    ),
    "rate_.1": Change(
        "rate .1 on the image side", (_IMAGE_SIDE + "learning_rate=0.1",), "split_weight"
    ),
    "together": Change(
        "rate .1, BN momentum .9, features averaged over the mirror image at test time; generation"
        " loss 1, of whose gradient .002 reaches phi",
        (
            _IMAGE_SIDE + "learning_rate=0.1",
            "batch_norm.momentum=0.9",
            _ENCODER + "average_flips=true",
            "loss.generation_weight=1",
            "loss.generation_gradient=0.002",
        ),
        "split_weight",
    ),
    "together_softmax_word": Change(
        "the generator learns the word that the softmax layer names",
        ("loss.generation_target=softmax_word",),
        "together",
    ),
    "precise": Change(
        "`small` with generation loss .02, of whose gradient a tenth reaches phi: the decay pulls a"
        " tenth as hard at the generator",
        (*_BEFORE_CIFAR100, "loss.generation_weight=0.02", "loss.generation_gradient=0.1"),
        base=None,
    ),
    "paper_weight": Change(
        "`small` with generation loss 1, as in the paper, of whose gradient .002 reaches phi",
        (*_BEFORE_CIFAR100, "loss.generation_weight=1", "loss.generation_gradient=0.002"),
        base=None,
    ),
    "paper_weight_softmax_word": Change(
        "the generator learns the word that the softmax layer names",
        ("loss.generation_target=softmax_word",),
        "paper_weight",
    ),
    "paper_weight_average": Change(
        "moving average of the weights of the speech side, .995 a step",
        (_OPTIMIZER + "average_decay=0.995",),
        "paper_weight_softmax_word",
    ),
    # The third round, for CIFAR100 AD, where `small` mixes words.
    "short": Change(
        "`small` before the search on CIFAR100 AD, 2.8 epochs",
        (*_BEFORE_CIFAR100, _JOINT + "epochs=2.8"),
        base=None,
    ),
    "representation_5": Change(
        "representation loss weighs 5, not 1", ("loss.representation_weight=5",), "short"
    ),
    "speech_rate_.002": Change(
        "rate .002 on the speech side, not .0005", (_OPTIMIZER + "learning_rate=0.002",), "short"
    ),
    "free_generator": Change(
        "generation loss 1, of whose gradient .002 reaches phi: the decay pulls at the generator as"
        " in the paper",
        ("loss.generation_weight=1", "loss.generation_gradient=0.002"),
        "short",
    ),
    "softmax_word": Change(
        "the generator learns the word that the softmax layer names",
        ("loss.generation_target=softmax_word",),
        "free_generator",
    ),
    "softmax_word_fast": Change(
        "rate .001 on the speech side, not .0005",
        (_OPTIMIZER + "learning_rate=0.001",),
        "softmax_word",
    ),
}
