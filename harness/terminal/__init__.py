"""What a person sees while a ladder is climbed: a live table on a terminal, plain lines elsewhere, or nothing."""
