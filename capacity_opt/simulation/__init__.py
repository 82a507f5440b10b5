"""The judge: plays decisions against demand they have not seen. Shares no code with the optimisers."""
