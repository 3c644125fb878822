"""A model in a store: what its manifest says, how it is loaded, and other words for its parts."""
