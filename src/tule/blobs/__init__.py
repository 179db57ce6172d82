"""Large bytes: local files, or any object store; garbage collection."""
