"""What a run leaves on the disk, and what it runs on."""
