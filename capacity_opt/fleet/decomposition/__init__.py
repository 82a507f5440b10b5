"""Fleet problems of thousands of samples, decomposed by sample, pool, period and lost zone.

The structure is read off a model of one sample (:mod:`.structure`), solved over shared recourse bases
(:mod:`.solving`), and told as a full plan (:mod:`.telling`). No program with all samples is ever built.
"""
