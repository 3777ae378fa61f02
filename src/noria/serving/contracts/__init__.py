"""The words in which others ask for a prediction: one file a contract, all of them answered on one port.

A contract is a few routes, pure codecs (bytes to rows, records to bytes) and a way to say no of its own. All of them
hand rows to the same `House.answer`, so that a row gets the same answer whoever asks.
"""
