"""Answers of catalogues."""


def landing_page(path, search, methods):
    """That of a STAC API whose own path and search's are given, with the methods it takes."""
    core = "https://api.stacspec.org/v1.0.0"
    links = [
        {"rel": "search", "type": "application/geo+json", "href": search, "method": method}
        for method in methods
    ]
    return {
        "type": "Catalog",
        "stac_version": "1.0.0",
        "id": "test",
        "description": "test",
        "conformsTo": [f"{core}/core", f"{core}/item-search"],
        "links": [{"rel": "self", "href": path}, *links],
    }
