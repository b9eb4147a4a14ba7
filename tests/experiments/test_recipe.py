"""experiments.recipe as a user runs it, on digits_ad."""

import json
import pathlib

import pytest

from tests import programs

ROOT = pathlib.Path(__file__).parents[2]
QUICK = [
    "--preset=tiny",
    "--dataset=digits_ad",
    "--override=training.autoencoder.epochs=3",
    "--override=training.max_reconstruction_error=100",  # so few updates teach nothing
    "--override=training.max_feature_cosine=2",
    "--override=image_encoder.widths=[4, 8]",
    "--override=image_encoder.pool_after=[1, 2]",
    "--override=audio_generator.num_blocks=1",
    "--override=audio_generator.hidden_units=[32]",
    "--num_processes=1",
]


def run(data_dir, folder, *arguments):
    folders = (f"--data_dir={data_dir}", f"--out_dir={folder / 'runs'}")
    results = f"--results={folder / 'results'}"
    return programs.run("recipe", *QUICK, *arguments, *folders, results)


@pytest.mark.slow
def test_each_change_leaves_a_result_once(data_dir, tmp_path):
    arguments = "--changes=baseline,balanced", "--seed=3", "--num_pairs=6"
    done = run(data_dir, tmp_path, *arguments)
    assert done.returncode == 0, done.stderr
    assert "change 2 of 2: balanced" in done.stdout
    paths = [tmp_path / f"results/digits_ad_tiny_{x}_seed3.json" for x in ("baseline", "balanced")]
    assert set((tmp_path / "results").iterdir()) == set(paths)
    results = [json.loads(path.read_text()) for path in paths]
    for name, base, result in zip(("baseline", "balanced"), (None, "baseline"), results):
        wanted = {"change": name, "base": base, "preset": "tiny", "seed": 3}
        assert {key: result[key] for key in wanted} == wanted
        assert result["config"]["training"]["seed"] == 3
        assert result.keys() >= {
            "label", "precision", "num_parameters", "images_seen", "training_seconds",
            "command", "git_commit", "hardware", "training_command", "training_hardware",
            "training_git_commit", "training_versions",
        }  # fmt: skip
        assert result["training_command"].startswith("python -m experiments.recipe --preset=tiny")
        assert result["dataset"].startswith("digits_ad/")
        assert (result["num_pairs"], result["num_validation_pairs"]) == (1293, 144)
        assert len(result["recordings"]["used"]) == 10
        *_, last = result["looks"]
        assert last["step"] == round(2 * 1293 / 64)
        assert last.keys() >= {"validation_total", "validation_accuracy", "validation_generation"}
        assert (result["scores"]["split"], result["scores"]["num_pairs"]) == ("validation", 6)
        assert result["scores"]["metrics"]["corr2d"]["num_scored"] == 6
        run_dir = tmp_path / f"runs/digits_ad_tiny_{name}_seed3"
        lines = (run_dir / "train_log.jsonl").read_text(encoding="utf-8").splitlines()
        keys = {key for line in lines for key in json.loads(line)}
        assert "validation_total" in keys and not any(key.startswith("test") for key in keys)
        config = json.loads((run_dir / "config.json").read_text(encoding="utf-8"))
        assert config["training"]["seed"] == 3
        assert config["loss"]["generation_weight"] == (1.0 if name == "baseline" else 0.02)
    # Stage 1 is the same, and was trained once.
    assert (tmp_path / "runs/digits_ad_tiny_baseline_seed3/audio_features.npz").is_file()
    assert "Taking over audio_features.npz" in done.stderr
    # A label is a text: a change that is worded otherwise is no other training.
    path = next((tmp_path / "results").glob("*_baseline_*.json"))
    path.write_text(
        path.read_text(encoding="utf-8").replace('"label": "', '"label": "reworded, ', 1)
    )
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
    again = run(data_dir, tmp_path, *arguments)
    assert again.returncode == 0, again.stderr
    assert again.stdout.count("is there already.") == 2
    after = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
    assert after == before
    other = run(data_dir, tmp_path, *arguments[:-1], "--num_pairs=5")
    assert other.returncode == 1
    assert "was made with other flags: scores.num_pairs: 6 -> 5" in other.stderr
    # By a change, or a preset, that was another one then.
    made = {**results[0], "config": results[0]["config"] | {"preset": "small"}}
    paths[0].write_text(json.dumps(made))
    other = run(data_dir, tmp_path, *arguments)
    assert other.returncode == 1
    assert "was made with other flags: preset: 'small' -> 'tiny'" in other.stderr
    # Of another study, whose change has the same name.
    other = run(data_dir, tmp_path, *arguments, "--study=open_points", "--changes=baseline")
    assert other.returncode == 1
    assert "was made with other flags: study: 'recipe' -> 'open_points'" in other.stderr


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--changes=baseline,bigger"], "There is no change 'bigger'. The changes are: baseline,"),
        (
            ["--changes=baseline", "--override=data.validation_fraction=0"],
            "A recipe is chosen on the validation part of the training split, and there is none",
        ),
    ],
)
def test_what_cannot_be_tried_is_one_error(arguments, message, data_dir, tmp_path):
    done = run(data_dir, tmp_path, *arguments)
    assert done.returncode == 1
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1 and message in errors[0], done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())
