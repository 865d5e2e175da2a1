//! To be written.

pub mod contract;
mod json;
