//! Nothing: the test beside is all there is.
