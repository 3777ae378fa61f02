"""Versions of data on S3, Google Cloud Storage, Azure or a shared folder: pushed there, and pulled from there."""
