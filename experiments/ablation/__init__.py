"""The ablation: the paper's claims, each tested by changing or removing one part."""
