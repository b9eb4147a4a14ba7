"""A system and pairs -> scores, a summary, sounds and pictures."""
