"""What stands on every page of a merchant, and the pages that need all three apps."""
