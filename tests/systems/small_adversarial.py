"""The adversarial systems at the size of `synthetic_data`."""

SMALL = [
    "log_mel.num_mels=16",
    "log_mel.num_frames=16",
    "log_mel.fft_length=128",
    "adversarial.sound_channels=[4, 6]",
    "adversarial.image_channels=[4, 6]",
    "adversarial.embedding_units=5",
    "adversarial.noise_units=3",
    "spectrogram_inverter.channels=[4]",
    "spectrogram_inverter.hidden_units=[24]",
    "training.inverter.epochs=10",
    "training.adversarial.epochs=4",
    "training.adversarial.batch_size=6",
]
