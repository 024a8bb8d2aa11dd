"""Where the spool and the workflow state are kept."""
