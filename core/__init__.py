"""The vocabulary of Groundswell: types, ports, settings and errors that every other folder speaks."""
