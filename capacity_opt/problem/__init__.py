"""What is given and what is decided: frozen values, validated at construction. No algorithm, file or solver."""
