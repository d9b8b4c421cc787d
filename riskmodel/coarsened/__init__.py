"""Counts of coarser groups, and questions, as functions of a tree's branches.

Imports: `inference`, `evidence`, `distributions` and below.
Belongs here: the mathematics of coarsened counts (Heitjan and Rubin 1991); no answer is worded.
"""
