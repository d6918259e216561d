# Check programs of this folder; one a source file.
