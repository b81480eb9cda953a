"""Whether a result still shows the product of its source: colour, shape and the words of its label.

Pure arithmetic on pictures, which knows no runs and no database. `verdict.compare` is the way in.
"""
