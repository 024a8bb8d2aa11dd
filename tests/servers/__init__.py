"""Real servers for tests, brought up by the fixtures that want them and ended with the run."""
