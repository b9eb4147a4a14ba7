"""Tables of result files.

No number in a table is typed by hand: each comes from a result file that a program wrote.
"""
