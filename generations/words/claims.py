"""The words that claim something of a product: certificates, materials, superlatives; and units.

Certificates are names and the same in every language; the other two lists are English.
"""

from __future__ import annotations

# Acronyms that are other words in small letters are looked for as they are written.
ACRONYMS = (
    "ASC", "BSCI", "CE", "COSMOS", "FDA", "FSC", "GMP", "GOTS", "GRS", "GS", "HACCP", "ISO", "LFGB",
    "MSC", "NSF", "PEFC", "PETA", "RDS", "REACH", "RWS", "RoHS", "TÜV", "UKCA", "UL", "USDA",
)  # fmt: skip
CERTIFICATES = (
    "b corp", "bluesign", "blauer engel", "blue angel", "bpa free", "bpa-free", "cradle to cradle",
    "cruelty-free", "cruelty free", "demeter", "ecocert", "ecolabel", "energy star", "fairtrade",
    "fair trade", "fair wear", "halal", "kosher", "leaping bunny", "oeko-tex", "oeko tex", "öko-tex",
    "rainforest alliance", "woolmark",
)  # fmt: skip
MATERIALS = (
    "acacia", "acrylic", "alpaca", "aluminium", "aluminum", "ash wood", "bamboo", "beech", "beeswax",
    "birch", "bone china", "brass", "bronze", "canvas", "carbon fibre", "carbon fiber", "cashmere",
    "cedar", "ceramic", "chiffon", "chrome", "clay", "concrete", "copper", "cork", "corduroy",
    "cotton", "crystal", "denim", "diamond", "earthenware", "elastane", "enamel",
    "flannel", "fleece", "gemstone", "glass", "gold", "granite", "hemp", "iron", "jute", "lace",
    "leather", "linen", "lycra", "mahogany", "maple", "marble", "merino", "mesh", "metal", "modal",
    "mohair", "neoprene", "nickel", "nylon", "oak", "organza", "paper", "pearl", "pewter", "pine",
    "plastic", "platinum", "polyamide", "polyester", "polypropylene", "porcelain", "rattan", "resin",
    "rubber", "sandstone", "satin", "silicone", "silk", "silver", "slate", "soy wax", "spandex",
    "steel", "stone", "stoneware", "suede", "teak", "terracotta", "titanium", "tulle", "tweed",
    "velvet", "vinyl", "viscose", "walnut", "wax", "wicker", "wood", "wooden", "wool", "woollen",
    "zinc",
)  # fmt: skip
SUPERLATIVES = (
    "award-winning", "award winning", "best", "bestseller", "best-seller", "bestselling",
    "best-selling", "biodegradable", "certified", "clinically proven", "dermatologically tested",
    "eco-friendly", "environmentally friendly", "exclusive", "guaranteed", "handcrafted", "handmade",
    "hypoallergenic", "leading", "lifetime", "limited edition", "natural", "non-toxic", "number one",
    "organic", "patented", "perfect", "premium", "recyclable", "recycled", "revolutionary",
    "sustainable", "top-rated", "top quality", "ultimate", "unbeatable", "unique", "unmatched",
    "unrivalled", "vegan", "waterproof", "world-class", "world class", "world-famous",
)  # fmt: skip
# Words in -est that compare nothing.
NOT_SUPERLATIVE = frozenset(
    [
        "arrest",
        "behest",
        "contest",
        "conquest",
        "digest",
        "forest",
        "guest",
        "harvest",
        "honest",
        "inquest",
        "interest",
        "invest",
        "modest",
        "priest",
        "protest",
        "quest",
        "rainforest",
        "request",
        "suggest",
        "tempest",
        "chest",
        "crest",
        "wrest",
        "manifest",
    ]
)
# Another way of writing a unit, and the one way that is compared.
UNITS = {
    "percent": "%", "per cent": "%", "prozent": "%", "pour cent": "%", "por ciento": "%",
    "inch": "in", "inches": "in", '"': "in", "″": "in", "litre": "l", "litres": "l", "liter": "l",
    "liters": "l", "gram": "g", "grams": "g", "kilogram": "kg", "kilograms": "kg", "hour": "h",
    "hours": "h", "hrs": "h", "minute": "min", "minutes": "min", "lbs": "lb", "pound": "lb",
    "pounds": "lb", "ounce": "oz", "ounces": "oz", "watt": "w", "watts": "w", "volt": "v",
    "volts": "v", "metre": "m", "metres": "m", "meter": "m", "meters": "m", "years": "year",
    "days": "day", "months": "month", "weeks": "week", "pieces": "piece", "pcs": "piece",
}  # fmt: skip
PLAIN_UNITS = (
    "%", "‰", "°c", "°f", "°", "mm", "cm", "dm", "m", "m2", "m3", "km", "in", "ft", "mg", "g", "kg",
    "g/m2", "gsm", "oz", "lb", "ml", "cl", "dl", "l", "w", "kw", "kwh", "wh", "v", "mah", "ah",
    "hz", "khz", "mhz", "ghz", "mb", "gb", "tb", "mp", "px", "dpi", "lm", "k", "db", "bar", "psi",
    "h", "min", "s", "year", "month", "week", "day", "piece", "€", "$", "£", "eur", "usd", "gbp",
    "ct", "carat", "karat", "spf", "tog", "denier", "cc", "hp", "rpm",
)  # fmt: skip
