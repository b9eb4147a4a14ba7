"""How a network learns several voices: the forms of `voice.conditioning`, beside none.

The changes of "film" look for what costs a network of many voices its PESQ: it learns as many
sounds as all networks of one voice together, in the steps of one of them.
"""

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
    "film": Change("FiLM of phi by the voice", ("voice.conditioning=film",), base="none"),
    "rate_0.001": Change(
        "rate .001 on the speech side, not .0005",
        ("training.joint.optimizer.learning_rate=0.001",),
        base="film",
    ),
    "decay_0.002": Change("decay .002, not .0004", ("loss.decay_weight=0.002",), base="film"),
    "hidden_512": Change(
        "512 hidden units in the audio generator, not 256",
        ("audio_generator.hidden_units=[512]",),
        base="film",
    ),
}
