//! Who knocks: a bearer token in, a digest out.
