---Fails while its main chunk runs.
error "the main chunk fails"
