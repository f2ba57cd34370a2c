//! Every capability, against the real executable; a folder per door.
