"""A person as named ellipsoids, each of a tissue: bones, flesh and organs, posed."""
