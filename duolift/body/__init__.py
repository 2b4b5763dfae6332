"""What a body is: joints by name, bones, parts, and the proportions of people."""
