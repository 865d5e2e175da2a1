#![doc = include_str!("../README.md")]

pub mod contract;
mod descriptor;
mod fields;
pub mod json;
pub mod openapi;
mod wire;
