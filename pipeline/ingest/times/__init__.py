"""Times as files hold them, to nanoseconds since 1970-01-01 UTC."""
