"""The local page that shows a scene and lifts the files that are dropped onto it."""
