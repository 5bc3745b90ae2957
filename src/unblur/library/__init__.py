"""The library of models: what there is, adding to it, and removing from it."""
