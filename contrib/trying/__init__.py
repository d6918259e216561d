"""The clients, libraries and servers that contrib/check-clients tries."""
