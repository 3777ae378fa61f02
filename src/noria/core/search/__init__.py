"""The language of search: one text for runs, experiments, logged models, registered models and their versions."""
