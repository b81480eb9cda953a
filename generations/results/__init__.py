"""What happens to a result afterwards: found, kept, changed, reported, run again, exported."""
