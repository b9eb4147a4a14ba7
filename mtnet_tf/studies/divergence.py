"""A training that diverges: to a study of trainings that is a result, and not its end."""

from __future__ import annotations

import logging
from typing import Any

from mtnet_tf.training.diagnosis import CollapseError
from mtnet_tf.training.loop import NonFiniteLossError

_logger = logging.getLogger(__name__)
DIVERGENCES = (NonFiniteLossError, CollapseError)


def divergence(error: NonFiniteLossError | CollapseError) -> dict[str, Any]:
    """Logs the error, and returns what a result says of it under "diverged", as JSON types.

    Returns:
        {"error": the message}.
    """
    _logger.warning("%s", error)
    return {"error": str(error)}
