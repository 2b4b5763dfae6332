"""The commands of the framework, one file each; `settings` is their schema, `conf` holds the experiments."""
