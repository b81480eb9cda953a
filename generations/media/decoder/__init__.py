"""The process in which strangers' pictures are decoded: `python -m generations.media.decoder`.

It knows no Django, no settings and no secret of the server. `generations.media.decoding` starts it
and gives it its limits; `__main__` says what goes in and what comes out.
"""
