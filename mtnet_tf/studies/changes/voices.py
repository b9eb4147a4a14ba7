"""How a network learns several voices: the forms of `voice.conditioning`, beside none."""

from mtnet_tf.studies.changes.change import ONE_EPOCH, Change

CHANGES = {
    "none": Change(
        "`small`, without the voice input; an epoch in batches of 64",
        ONE_EPOCH,
        base=None,
    ),
    "concatenation": Change(
        "an FC layer of phi and the voice", ("voice.conditioning=concatenation",), base="none"
    ),
    "longer": Change("5 epochs", ("training.joint.epochs=5",), base="concatenation"),
    "film": Change("FiLM of phi by the voice", ("voice.conditioning=film",), base="none"),
}
