"""The assistant: answers about an account's credits and tools, and priced drafts. It never spends."""
