"""Video in steps that may be hours apart: created once, polled, fetched, deleted."""
