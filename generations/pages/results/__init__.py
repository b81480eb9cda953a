"""The gallery, and the page of one result."""
