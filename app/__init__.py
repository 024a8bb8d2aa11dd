"""The composition root: bootstrap, pipeline, scheduler, questions and the command line."""
