"""experiments.report: which flags one call takes."""

import pytest

from tests import programs


@pytest.mark.parametrize(
    "arguments, message",
    [
        ("--out_dir=a --collect=b --name=c", "--out_dir is given with --collect. Give it"),
        ("--seeds=a --pictures --hear", "--seeds is given with --pictures, --hear."),
        ("--check --collect_seeds=a", "--check is given with --collect_seeds."),
        ("--out_dir=a --seeds=b", "--out_dir is given with --seeds."),
        ("--report_dir=a", "--report_dir needs --out_dir: Study of experiments.ablation"),
        ("--name=a", "--name needs --collect: Study or run folder"),
        ("--collect=a", "--collect needs --name: NAME of the folder under experiments/results."),
    ],
)
def test_a_flag_that_would_not_be_heeded_is_one_error(arguments, message):
    done = programs.run("report", *arguments.split())
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"error: {message}"), done.stderr
