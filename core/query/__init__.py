"""The query language: one parser, one syntax tree, and the evaluator that needs no index."""
