"""The command that a result names, as a shell takes it."""

import shlex
import sys

from mtnet_tf.runs.provenance import command_line


def test_a_shell_reads_the_command_back(monkeypatch):
    arguments = ["--override=image_encoder.widths=[4, 8]", "--image=a b.png", "--seed=0"]
    monkeypatch.setattr(sys, "argv", ["program.py", *arguments])
    assert shlex.split(command_line())[-3:] == arguments
