//! The table of nodes, told by hand.
