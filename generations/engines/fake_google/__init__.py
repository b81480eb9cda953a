"""A fake of Google's generative AI services: real HTTP on loopback, wire-true, drawn answers."""
