"""What to steer, commit and right-size: recommendations ranked by the money they are worth."""
