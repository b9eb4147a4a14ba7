"""How a system is trained: its stages in their order, one loop for all of them, and their records.

Algorithm 1 is MT-Net's. `stages` says what one step of a stage is.
"""
