"""Other people's programs that read what we write."""
