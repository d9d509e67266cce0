"""A district's whole year, told as calls of the API: `cast` speaks, the other modules are the chapters."""
