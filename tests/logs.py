"""The log of a run as the tests compare it: without what depends on the time."""


def log_of(run):
    """Returns the lines of a run folder's train_log.jsonl without their rates."""
    return [{k: v for k, v in line.items() if k != "examples_per_second"} for line in run.log()]
