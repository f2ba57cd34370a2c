//! The port itself: health, TLS, drain, both ways to read files.

mod life;
