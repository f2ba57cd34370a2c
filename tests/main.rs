//! Every capability, against the real executable. A folder per door; a new test goes to its capability.
