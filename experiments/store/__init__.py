"""The result store: the second waist. Running writes it, analysing reads it, and neither knows the other."""
