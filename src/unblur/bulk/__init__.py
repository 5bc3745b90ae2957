"""Photos by the million, from one store into another, on a cluster."""
