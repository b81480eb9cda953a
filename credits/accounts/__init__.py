"""What belongs to an account beside its entries: zone, warnings, limits, renewal, erasure."""
