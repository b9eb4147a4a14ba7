"""What the paper leaves open, each point read in another way than `small` reads it.

BUILD_NOTES.md, "Readings and choices", has the reading of each point.
"""

from mtnet_tf.studies.changes.change import Change

_OPTIMIZER = "training.joint.optimizer."
_WHOLE_GRADIENT = "loss.generation_gradient=1"

CHANGES = {
    "baseline": Change(
        "`small`: Eq. 9 is a sum, of whose gradient .002 reaches phi",
        ("training.joint.epochs=1",),
        base=None,
    ),
    "sum": Change("Eq. 9 is a sum, all of whose gradient reaches phi", (_WHOLE_GRADIENT,)),
    "mean": Change(
        "Eq. 9 is a mean over the samples, all of whose gradient reaches phi",
        ("loss.generation=mean_smooth_l1", _WHOLE_GRADIENT),
    ),
    "no_decay": Change("no decay term", ("loss.decay_weight=0",)),
    "decay_0.0005": Change("decay .0005, without eta_4", ("loss.decay_weight=0.0005",)),
    "decay_eta_4": Change("decay .8, eta_4 alone", ("loss.decay_weight=0.8",)),
    "one_optimizer": Change(
        "one RMSProp for all, rate 2e-4",
        ("training.image_encoder_optimizer=null", _OPTIMIZER + "learning_rate=0.0002"),
    ),
    "sum_one_optimizer": Change(
        "Eq. 9 is a sum, all of whose gradient reaches phi", (_WHOLE_GRADIENT,), "one_optimizer"
    ),
    "rho_0.99": Change("rho .99, as in `paper`", (_OPTIMIZER + "rho=0.99",), "one_optimizer"),
    "rho_0.0005": Change('"decay 0.0005" as rho', (_OPTIMIZER + "rho=0.0005",), "one_optimizer"),
    "constant_rate": Change(
        "constant rate 1e-3, no warm-up",
        (
            _OPTIMIZER + "learning_rate=0.001",
            _OPTIMIZER + "schedule=constant",
            _OPTIMIZER + "warmup_steps=0",
        ),
        "one_optimizer",
    ),
    "batch_cosine": Change(
        "Eq. 7 sums over the batch inside the cosine", ("loss.representation=batch_cosine",)
    ),
    "tanh": Change(
        "tanh in the image encoder, as in `released`", ("image_encoder.activation=tanh",)
    ),
    "channels_16": Change("1D blocks of 16 channels", ("audio_generator.channels=16",)),
    "plain_branch": Change(
        "no BN in the residual branch", ("image_encoder.residual_batch_norm=false",)
    ),
    "released_losses": Change(
        "the losses of `released` and their weights",
        (
            "loss.perceptual=sum_cross_entropy",
            "loss.representation=normalized_squared_error",
            "loss.generation=normalized_squared_error",
            "loss.perceptual_weight=0.5",
            "loss.representation_weight=0.1",
            "loss.generation_weight=0.1",
            _WHOLE_GRADIENT,
            "loss.decay_weight=0",
            "loss.label_smoothing=0",
        ),
    ),
}
