"""A fake Shopify for development: admin, token endpoint, Admin API, billing and webhooks.

It runs in a process of its own, on another site than the app, speaks the same HTTP as Shopify and
keeps its state in one file. It never touches the app's database. See docs/development-store.md.
"""
