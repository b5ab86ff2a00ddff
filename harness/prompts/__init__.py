"""What a language model is shown and asked: questions as text, with the answers among which it chooses."""
