"""One page a module. A view holds no arithmetic and no query."""
