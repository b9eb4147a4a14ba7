"""What all tables share: the metrics' names, numbers as text, a Markdown table, and versions."""

from __future__ import annotations

METRICS = {"corr2d": "Corr2D", "pesq": "PESQ", "stoi": "STOI"}


def number(value: float | None) -> str:
    """Returns a mean with four decimals, "-" where there is none."""
    return "-" if value is None else f"{value:.4f}"


def score(metric: dict, deviation: bool = False) -> str:
    """Returns the mean of a metric's statistics (`evaluation.summarize`); where pairs failed, how many, and the floor mean.

    Args:
        metric: the statistics.
        deviation: adds the standard deviation over the pairs.
    """
    failed, scored = metric["num_failed"], metric["num_scored"]
    if metric["mean"] is None:
        return f"- ({failed} failed: floor mean {number(metric['floor_mean'])})" if failed else "-"
    text = number(metric["mean"])
    if deviation:
        text += f" ± {number(metric['sd'])}"
    if failed:
        text += f" ({scored} scored, {failed} failed: floor mean {number(metric['floor_mean'])})"
    return text


def percent(value: float | None) -> str:
    """Returns a fraction as a percentage, nothing where there is none."""
    return "" if value is None else f"{100 * value:.2f} %"


def markdown(header: list[str], rows: list[list[str]]) -> str:
    """Returns a Markdown table of texts."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def bullets(lines: list[str]) -> str:
    """Returns a Markdown list."""
    return "".join(f"- {line}\n" for line in lines)


def versions(provenance: dict) -> str:
    """Returns "python 3.11.7, tensorflow ...; code <commit>" of a summary's provenance."""
    packages = ", ".join(f"{name} {version}" for name, version in provenance["versions"].items())
    return f"{packages}; code {provenance['git_commit']}"
