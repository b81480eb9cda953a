"""What a request passes before a view sees it: size, sender, rate, headers."""
