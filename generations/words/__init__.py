"""Written words: what HTML a store keeps, and what a text says that its product's data does not."""
