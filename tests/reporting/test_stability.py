"""How adversarial trainings fared, from made-up result files."""

import numpy as np
from PIL import Image

from mtnet_tf.reporting import paper_table, stability


def looks(*accuracies):
    return [
        {
            "step": 10 * k,
            "validation_word_accuracy": accuracy,
            "validation_diversity": 0.1 * k,
            "discriminator_total": 1.0,
            "generator_total": 2.0,
        }
        for k, accuracy in enumerate(accuracies, 1)
    ]


def test_the_best_look_and_the_last_stand_beside_each_other(cells, tmp_path):
    cells("mnist_ad", "dcmavg", 0, looks=looks(0.5, 0.9, 0.9, 0.67))
    cells("mnist_ad", "cmcgan", 2, looks=looks(0.3, 0.23))
    cells("mnist_ad", "mtnet", 0, looks=[{"step": 1, "validation_accuracy": 0.9}])
    cells("mnist_ad", "i2t2a", 0)  # of an older version: no looks
    table = paper_table.read_table(cells.folder, "4")
    picture = tmp_path / "stability.png"
    text = stability.section(table, picture)
    best = "90.00 %, validation 2 of 4 | 67.00 % | yes | 0.2000 | 0.4000"
    assert f"| mnist_ad | DCMAVG | 0 | {best} |" in text
    best = "30.00 %, validation 1 of 2 | 23.00 % | no | 0.1000 | 0.2000"
    assert f"| mnist_ad | CMCGAN | 2 | {best} |" in text
    assert "MT-Net" not in text and "I2T2A" not in text and "![" not in text
    assert stability.draw_stability(table, picture)
    pixels = np.asarray(Image.open(picture).convert("RGB"))
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 50  # not an empty canvas
    assert "validation by validation](stability.png)" in stability.section(table, picture)


def test_nothing_adversarial_was_run(cells, tmp_path):
    cells("mnist_ad", "mtnet", 0)
    table = paper_table.read_table(cells.folder, "4")
    assert stability.section(table, tmp_path / "x.png") == ""
    assert not stability.draw_stability(table, tmp_path / "x.png")
    assert not (tmp_path / "x.png").exists()
