"""From clusters to mixing weights: domains, strategies, proxy runs, and the training set that weights describe."""
