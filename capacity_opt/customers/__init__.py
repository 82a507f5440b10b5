"""What is known of customers one by one: who weighs how much, which deals matter, who comes back, who is gone."""
