"""The vocabulary that every other folder speaks: types, ports, settings and errors."""
