//! AWS Signature Version 4: headers signed and verified, URLs presigned.

pub mod canonical;
pub mod credential;
pub mod error;
pub mod hexadecimal;
pub mod midstate;
pub mod presign;
pub mod sign;
pub mod signing_key;
pub mod verify;
