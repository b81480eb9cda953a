"""What crosses between apps that do not know each other."""

from __future__ import annotations

from django.dispatch import Signal

# Sent after commit with account_id, version: a balance changed.
balance_changed = Signal()

# Sent with account_id, now: a store left. Work that has not begun is cancelled and given back, whoever
# asked for it.
account_suspended = Signal()

# Sent with account_id: the store asked for erasure. Pictures, prompts and people go, within the
# sender's transaction. Receivers return how many objects they erased, as {name: count}.
account_erased = Signal()
