"""What is to be known of a GPU that is at hand for minutes: one script with a time limit."""
