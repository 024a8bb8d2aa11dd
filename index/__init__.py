"""Keep mentions and answer questions about them: an embedded engine and Elasticsearch."""
