"""The operations room of our staff: what needs all three apps. Each app's own tables are in its `admin`."""
