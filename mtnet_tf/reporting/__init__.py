"""Result files -> tables. No number in a table is typed by hand: each comes from a summary.json of `evaluation`."""
