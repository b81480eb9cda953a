"""Pages of batches: choosing, progress, review."""
