"""The same views on engines that exist already: the join is one SQL statement, run where the rows lie."""
