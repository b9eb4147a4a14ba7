"""The stages of all systems: what each is trained on, its losses, and what one step of it moves."""
