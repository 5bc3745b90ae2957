"""`unblur serve`: a web page and an HTTP API in one process."""
