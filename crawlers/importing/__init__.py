"""Exports of other tools to mentions: CSV, TSV, JSON Lines and Parquet, in constant memory."""
