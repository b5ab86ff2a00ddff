"""How likely a language model finds a text after another: computed once where texts share a beginning."""
