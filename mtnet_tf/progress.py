"""How far a pass over many pairs is, told in the log every few seconds."""

import logging
import time

_SECS = 5.0
_logger = logging.getLogger(__name__)


class Progress:
    """Logs lines like `inspected 20480/70000  4096 pairs/s  ETA 0:12`."""

    def __init__(self, what: str, total: int) -> None:
        """Begins to count.

        Args:
            what: the beginning of each line, such as "inspected" or the label of a candidate.
            total: how many pairs there are.
        """
        self._what, self._total, self._done = what, total, 0
        self._start = self._told = time.monotonic()

    def add(self, count: int) -> None:
        """Counts pairs that are done."""
        self.reach(self._done + count)

    def reach(self, done: int) -> None:
        """Says how many pairs are done."""
        self._done = done
        now = time.monotonic()
        if now - self._told > _SECS:
            self._told, rate = now, self._done / (now - self._start)
            left = int(max(self._total - self._done, 0) / rate)
            _logger.info(
                "%s %d/%d  %.0f pairs/s  ETA %d:%02d",
                self._what, self._done, self._total, rate, *divmod(left, 60),
            )  # fmt: skip
