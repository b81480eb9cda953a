"""The guide without a model: what is wished, looked up and said by rules."""
