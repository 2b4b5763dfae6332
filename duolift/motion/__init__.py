"""People over time: what one frame does not tell, because people have mass."""
