"""What `experiments.recipe` tries, a module a study: its `CHANGES`, {name: `change.Change`}.

A study that is called as a system tries them with that system, the others with MT-Net.
"""
