"""The merchant's pages of credits: usage, ledger, settings."""
