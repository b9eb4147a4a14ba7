"""Draws that depend on a seed and a name alone, and not on what was drawn before."""

import hashlib


def drawn_number(seed: int, name: str) -> int:
    """Returns a number from 0 to 2^64 - 1, the same for equal arguments, as if drawn at random.

    Args:
        seed: tells draws of the same name apart.
        name: what it is drawn for, such as the id of an image.
    """
    digest = hashlib.blake2b(f"{seed}/{name}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little")
