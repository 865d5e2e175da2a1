#![doc = include_str!("../README.md")]

pub mod contract;
mod descriptor;
pub mod json;
pub mod openapi;
mod wire;
