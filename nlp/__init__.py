"""Say what a mention says: language, sentiment, entities, surface features and its story."""
