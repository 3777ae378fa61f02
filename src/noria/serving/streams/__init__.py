"""Events from message brokers into the online store: at least once in, once in effect."""
