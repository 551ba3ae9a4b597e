"""The goals that the project's speed is held to, each measured and put beside its figure (`caudal goals`)."""
