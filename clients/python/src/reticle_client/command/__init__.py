"""`reticle-ingest FILE`: boxes from files."""
