"""The load side: arrivals and batches as a pure model, the swarm that plays them, the recorder that drains result rows."""
