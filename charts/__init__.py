"""Chart specifications, one place for page, e-mail and report."""
