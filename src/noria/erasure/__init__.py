"""How a person is forgotten: everywhere at once, with a certificate, and a proof that reads every file again."""
