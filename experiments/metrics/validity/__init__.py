"""Valid or not: what the instrument may do wrong, one rule each."""
