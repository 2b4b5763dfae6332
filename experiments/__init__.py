"""The commands of the framework, one file each, and their settings: `settings` is the schema, `conf` has experiments."""
