"""The one table of the course: its columns, the filters that shrink it, the audit of its files."""
