"""Steps that bring an older state database to today's tables."""
