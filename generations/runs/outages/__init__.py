"""When engines fail: tools pause, probe and open again, and staff hear of it."""
