"""What can be trained and scored: one file a system."""
