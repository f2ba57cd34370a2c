//! AWS Signature Version 4: sign, verify, presign.
