"""Stories: copies and near-copies of one text, grouped as they arrive with bounded memory."""
