"""Native models, each in a process of its own: no pickle is ever loaded in the server."""
