"""`/api/v1`: the product for programs, by the same actions as its pages."""
