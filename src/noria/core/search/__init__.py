"""The language of search: one text for runs, experiments, logged models, registered models and their versions.

What MLflow's clients may write is a strict subset of it; the rest (OR, NOT, parentheses, lists, NULL tests and NOT LIKE
wherever they make sense) is named in `Parsed.extensions`. Some texts MLflow reads only by an accident of its SQL
tokenizer, never as they were meant; they are refused here: a direction, cast, JSON arrow or placeholder as a part of a
key (`metrics.a DESC = 1`, `params.a::int = '1'`), two names or a comparison without its AND before IS or IN (which it
takes for a part of the key), a number in brackets as a text, null bytes, more than 300 comparisons.
"""
