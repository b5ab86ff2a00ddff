"""From predictions to scores; imports neither torch nor transformers."""
