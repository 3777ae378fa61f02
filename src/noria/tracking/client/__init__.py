"""The durable client: what a training program logs is safe on disk at once, and sent when there is somebody to take it.

A log call appends one record to a local file and returns. A thread sends the file's records to a server or into
the project's own database, in order and exactly once; what could not be sent is left for `noria sync`. Importing
this folder costs next to nothing, and nothing in it raises into the training loop.
"""
