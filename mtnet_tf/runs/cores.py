"""How many cores a process may use."""

import os


def num_cores() -> int:
    """Returns how many cores this process may use, which can be fewer than the machine has.

    An affinity mask says so, such as that of taskset or of Slurm's --cpus-per-task.
    """
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
