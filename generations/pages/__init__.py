"""The merchant's pages about tools and runs."""
