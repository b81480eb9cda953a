"""Google's models: pictures, text and video through google-genai.

`config`, `errors`, `raster`, `mp4` and `prompts` do without the SDK; the other modules import it at
their top and are imported by whoever is about to call Google (it costs a second and 60 MB).
"""
