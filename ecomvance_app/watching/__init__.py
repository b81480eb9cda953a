"""What operators see: logs, figures, heartbeats, errors."""
