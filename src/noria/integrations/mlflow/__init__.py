"""MLflow: file stores, databases and servers read; any MLflow server written to."""
