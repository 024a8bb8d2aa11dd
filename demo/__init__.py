"""The demo: a synthetic stream of mentions, replayed through the real collectors."""
