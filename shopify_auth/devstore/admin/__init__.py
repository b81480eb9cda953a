"""The admin that a person sees: the app in its frame, the approval page, the control page."""
