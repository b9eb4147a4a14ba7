"""The tables of a study of `experiments.voices`, and the page on which its voices can be heard."""

from __future__ import annotations

import html
import pathlib
from collections.abc import Iterable

from mtnet_tf.files import read_json, whole_files
from mtnet_tf.reporting.footers import made_lines, unscored_lines, way
from mtnet_tf.reporting.players import document, from_page, picture, player, told
from mtnet_tf.reporting.players import section as page_section
from mtnet_tf.reporting.results import require_equal, whole_results
from mtnet_tf.reporting.tables import METRICS, bullets, markdown, number, percent
from mtnet_tf.runs.examples import OF_VOICES, RECORD, image_of, sound_of_voice

_NEAR = 0.97  # of the score of a network of one voice
_ROLES = ("all", "deaf", "alone", "base", "new")
_INTRO = """Of some words the first picture of the test split, spoken for each voice: by the voice's
own recording, by the network of all voices, by one without the voice input, and by one that knows
that voice alone. Below each player stand the word and the voice of the recording that the sound is
nearest to. The paper says that MT-Net keeps "implicit information", such as emotion and tone. A
picture does not say who speaks: a network that is not told speaks the average of the voices, and
one that is told keeps each of them. So a network keeps only what its inputs determine. NOTICE, in
the folder of the source, says whose recordings these are."""
_LEARNED_LATER = """One voice was also learned later, by a network that knew the others: it is the
network of the last row of "A new voice" in README.md. The other cells of its column are empty."""


def section(folder: pathlib.Path | str) -> str:
    """Returns a table of the networks, one of each voice, and one of the voice that is learned.

    Args:
        folder: holds the result files of `experiments.voices`.

    Raises:
        InputError: a result file is broken, or results do not compare.
    """
    found = [read_json(path) for path in whole_files(folder)]
    with whole_results(folder, "experiments.voices"):
        results = {result["row"]: result for result in sorted(found, key=_place)}
        for name in ("split", "dataset"):
            values = {row: result[name] for row, result in results.items()}
            require_equal("The networks of several voices", name, values, "Run those again.")
        for name in ("preset", "precision", "seed"):
            values = {row: result["provenance"][name] for row, result in results.items()}
            require_equal("The networks of several voices", name, values, "Run those again.")
        page_name = name_of_page(folder)
        heard = _record(folder).is_file()
        parts = [f"To be heard: [{page_name}]({page_name})\n"] if heard else []
        parts.append(_networks(results))
        if _of_role(results, "all"):
            parts.append(_voices(results))
        if _of_role(results, "new"):
            parts.append(_new_voice(results))
        return "\n".join([*parts, _footer(results)])


def name_of_page(folder: pathlib.Path | str) -> str:
    """Returns the file name of a study's page, which lies beside its folder."""
    return f"{pathlib.Path(folder).name}.html"


def page(folder: pathlib.Path | str, title: str) -> str:
    """Returns the page as HTML, with paths relative to the folder above the results; "" for none.

    Args:
        folder: as in `section`.
        title: of the study.

    Raises:
        InputError: examples.json is broken.
    """
    path = _record(folder)
    if not path.is_file():
        return ""
    record, examples = read_json(path), path.parent
    remedy = f"Remove {examples}, and run that again."
    with whole_results(path, "experiments.voices", remedy):
        spoken = record["nearest"]
        columns = {name: label for name, label in record["columns"].items() if spoken[name]}
        sections = []
        for place, example in enumerate(record["chosen"], 1):
            word, rows = example["word"], []
            for voice in record["voices"]:
                cells = []
                for name, label in columns.items():
                    if voice not in spoken[name]:
                        cells.append("")
                        continue
                    sound = sound_of_voice(examples, place, voice, name)
                    nearest = spoken[name][voice][place - 1]
                    cells.append(player(from_page(examples, sound), f"{word}, {voice}, {label}"))
                    cells[-1] += told(nearest, f"{word}, {voice}", "silence")
                image = picture(from_page(examples, image_of(examples, place)), word)
                rows.append((f"{image}<br>{html.escape(voice)}", cells))
            sections.append(page_section(word, ["voice", *columns.values()], rows))
    intro = f"{_INTRO} {_LEARNED_LATER}" if "new" in columns else _INTRO
    return document(f"{title}, to be heard", intro, sections)


def _place(result: dict) -> tuple:
    """Returns what the rows are sorted by: their role, what is learned, and how many words."""
    return _ROLES.index(result["role"]), result["row"].rpartition("_")[0], len(result["heard"])


def _record(folder: pathlib.Path | str) -> pathlib.Path:
    return pathlib.Path(folder) / OF_VOICES / RECORD


def _of_role(results: dict[str, dict], role: str, voice: str | None = None) -> list[dict]:
    found = [result for result in results.values() if result["role"] == role]
    return [result for result in found if voice in (None, result["voice"])]


def _networks(results: dict[str, dict]) -> str:
    """Returns the networks that are trained from fresh weights, a line each."""
    header = ["network", "parameters", "training, seconds", "pairs", "word by its sound"]
    header += ["voice by its sound", *METRICS.values()]
    rows = []
    for result in results.values():
        if result["role"] == "new":
            continue
        provenance = result["provenance"]
        rows.append(
            [
                result["network"],
                f"{provenance['num_parameters']:,}",
                f"{provenance['training_seconds']:,.0f}",
                f"{result['num_pairs']:,}",
                percent(result["retrieval_accuracy"]),
                percent(result["voice_accuracy"]),
                *(number(result["metrics"][metric]["floor_mean"]) for metric in METRICS),
            ]
        )
    return markdown(header, rows)


def _voices(results: dict[str, dict]) -> str:
    """Returns the scores of each voice: by the one network, one without the input, one alone."""
    (together,) = _of_role(results, "all")
    told = all("voice_accuracy" in scores for scores in together["per_voice"].values())
    header = ["voice", "one network of all voices"]
    header += ["of these sounds nearest to their voice"] * told  # older results do not say
    header += ["without the voice input", "a network of it alone", "the first to the last"]
    rows, ratios = [], []
    for voice, scores in together["per_voice"].items():
        said = scores["metrics"]
        deaf = [result["per_voice"][voice]["metrics"] for result in _of_role(results, "deaf")]
        alone = [_means(result) for result in _of_role(results, "alone", voice)]
        of_alone = [{m: _ratio(said[m], of_one[m]) for m in METRICS} for of_one in alone]
        ratios += of_alone
        rows.append(
            [
                voice,
                _spread(scores),
                *([percent(scores["voice_accuracy"])] if told else []),
                *(_scores(found[0]) if found else "not run" for found in (deaf, alone)),
                " / ".join(map(_share, of_alone[0].values())) if of_alone else "",
            ]
        )
    names = " / ".join(METRICS.values())
    text = f"{names}, of each voice:\n\n{markdown(header, rows)}"
    return f"{text}\n{bullets([_aim(ratios)])}" if ratios else text


def _aim(ratios: list[dict[str, float | None]]) -> str:
    """Returns for how many voices the one network is about as good as one of the voice alone."""
    near = {
        title: sum((ratio[metric] or 0) >= _NEAR for ratio in ratios)
        for metric, title in METRICS.items()
    }
    found = ", ".join(f"{title} for {count}" for title, count in near.items())
    return (
        f"The aim is {100 * (1 - _NEAR):.0f} % below a network of the voice alone at most. It is"
        f" met in {found} of {len(ratios)}, the voices that have such a network."
    )


def _ratio(value: float | None, of: float | None) -> float | None:
    """Returns a score as a share of another; None where there is none, or the other is 0."""
    return None if value is None or not of else value / of


def _share(ratio: float | None) -> str:
    return "-" if ratio is None else f"{100 * ratio:.1f} %"


def _spread(scores: dict) -> str:
    """Returns the scores of a voice, with the deviation over its pairs where that is known."""
    spreads = scores.get("sd", {})
    return " / ".join(
        number(scores["metrics"][metric])
        + ("" if spreads.get(metric) is None else f" ± {number(spreads[metric])}")
        for metric in METRICS
    )


def _new_voice(results: dict[str, dict]) -> str:
    """Returns how a network speaks in a voice that it learned later, and in the others."""
    header = ["what is learned", "words heard", "training, seconds", "voice by its sound"]
    header += ["of words that were heard", "of words that never were", "the known voices"]
    rows = []
    for result in _of_role(results, "base"):
        rows.append(["nothing yet", "", "", "", "", "", _scores(_means(result))])
    for result in _of_role(results, "new"):
        heard, words = result["heard"], result["per_word"]
        rows.append(
            [
                result["network"],
                _heard(heard, list(words)),
                f"{result['provenance']['training_seconds']:,.0f}",
                percent(result["voice_accuracy"]),
                _mean_scores(words[word] for word in words if word in heard),
                _mean_scores(words[word] for word in words if word not in heard),
                _scores(_means(result["known_voices"])),
            ]
        )
    return f"A new voice, {' / '.join(METRICS.values())}:\n\n{markdown(header, rows)}"


def _heard(heard: list[str], words: list[str]) -> str:
    """Returns how many words a voice was heard to say, and which it never was."""
    never = [word for word in words if word not in heard]
    counted = f"{len(heard)} of {len(words)}"
    return f"{counted}; never {', '.join(never)}" if never else counted


def _means(result: dict) -> dict[str, float | None]:
    return {name: values["floor_mean"] for name, values in result["metrics"].items()}


def _scores(means: dict[str, float | None]) -> str:
    return " / ".join(number(means[metric]) for metric in METRICS)


def _mean_scores(groups: Iterable[dict]) -> str:
    """Returns the scores of several words, each weighted by its pairs; "" for no words.

    A word whose recording a metric cannot score is left out of it, as in the mean of all pairs.
    """
    groups = list(groups)
    if not groups:
        return ""
    means = {}
    for metric in METRICS:
        scored = [group for group in groups if group["metrics"][metric] is not None]
        total = sum(group["num_pairs"] for group in scored)
        summed = sum(group["metrics"][metric] * group["num_pairs"] for group in scored)
        means[metric] = summed / total if total else None
    return _scores(means)


def _footer(results: dict[str, dict]) -> str:
    first = next(iter(results.values()))
    provenance = first["provenance"]
    recordings = provenance["recordings"]
    lines = [
        f"Data: {first['dataset']}, {first['split']} split, recordings"
        f" {recordings['fingerprint'][:12]}. Preset {provenance['preset']}, precision"
        f" {provenance['precision']}, seed {provenance['seed']}. A word or a voice is told"
        " by the nearest of all recordings (Corr2D).",
        *unscored_lines({f"`{row}`": result for row, result in results.items()}),
    ]
    made = ((f"`{row}`", f": {way(result['provenance'])}") for row, result in results.items())
    return bullets([*lines, *made_lines(made)])
