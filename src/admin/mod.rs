//! The admin door: shares and tokens over signed JSON.
