"""The bones that Kumar & Menkovski (2016) name as what an expert looks at, for the hand and the foot."""


def _starts(*prefixes):
    return lambda part: part.startswith(prefixes)


def _shaft_of(prefix):
    return lambda part: part.startswith(prefix) and part.endswith("_shaft")


_CARPALS = ("scaphoid", "lunate", "triquetrum", "pisiform", "trapezium", "trapezoid", "capitate", "hamate")

# class -> landmark -> does this part belong to it?
LANDMARKS = {
    "hand": {
        "distal_phalanges": _starts("distal_phalanx"),
        "metacarpal_heads": lambda part: part.startswith("metacarpal_") and part.endswith("_head"),
        "metacarpal_shafts": _shaft_of("metacarpal_"),
        "carpals": lambda part: part in _CARPALS,
    },
    "foot": {
        "metatarsal_shafts": _shaft_of("metatarsal_"),
        "distal_phalanges": _starts("distal_phalanx"),
        "navicular": _starts("navicular"),
        "cuboid": _starts("cuboid"),
        "tibia": _starts("tibia", "medial_malleolus"),
        "fibula": _starts("fibula"),
    },
}
