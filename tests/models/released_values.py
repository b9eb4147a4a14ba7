"""Facts of the authors' published scripts, and their graph at a size that a test can run."""

HOLE_SIZE = 2  # dilation rate, 2D and 1D
BN_DECAY, BN_EPSILON = 0.5, 1e-3

SHRUNK = [  # every layer of `released`, none as large
    "data.image_shape=[16, 16, 3]",
    "data.num_classes=7",
    "data.audio_length=40",
    "image_encoder.widths=[6, 8, 10, 12, 14]",
    "image_encoder.feature_units=[12, 10]",
    "audio_autoencoder.hidden_units=[24, 20, 32, 32, 20, 24]",
    "cross_modal_mapper.units=[12, 32]",
    "audio_generator.hidden_units=[18]",
    "training.joint.batch_size=8",
]
