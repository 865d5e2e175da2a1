//! Checks of option values: fields of a certain kind, and statuses in a range.

use http::StatusCode;
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};

use super::{Problem, options::Options};
use crate::descriptor::is_repeated;

type Named<T> = Result<T, (&'static str, Problem)>;

const MESSAGE: &str = "a singular message";
const BYTES: &str = "a singular bytes field";
const TEXT: &str = "a singular string";
const TEXTS: &str = "a repeated string";
const INTEGER: &str = "a singular int32, int64, uint32 or uint64";
const FLAG: &str = "a singular bool";

pub(super) fn message(
    option: &Options,
    name: &'static str,
    of: &MessageDescriptor,
) -> Named<(FieldDescriptor, MessageDescriptor)> {
    let field = singular(option, name, of, MESSAGE)?.ok_or((name, Problem::Missing { expected: MESSAGE }))?;
    match field.kind() {
        Kind::Message(message) => Ok((field, message)),
        _ => Err((name, Problem::field(field.name(), MESSAGE))),
    }
}

pub(super) fn bytes(option: &Options, name: &'static str, of: &MessageDescriptor) -> Named<FieldDescriptor> {
    let field = checked(option, name, of, BYTES, |kind| matches!(kind, Kind::Bytes))?;
    field.ok_or((name, Problem::Missing { expected: BYTES }))
}

pub(super) fn text(
    option: &Options,
    name: &'static str,
    of: &MessageDescriptor,
) -> Named<Option<FieldDescriptor>> {
    checked(option, name, of, TEXT, |kind| matches!(kind, Kind::String))
}

pub(super) fn flag(
    option: &Options,
    name: &'static str,
    of: &MessageDescriptor,
) -> Named<Option<FieldDescriptor>> {
    checked(option, name, of, FLAG, |kind| matches!(kind, Kind::Bool))
}

pub(super) fn integer(
    option: &Options,
    name: &'static str,
    of: &MessageDescriptor,
) -> Named<Option<FieldDescriptor>> {
    checked(option, name, of, INTEGER, |kind| {
        matches!(kind, Kind::Int32 | Kind::Int64 | Kind::Uint32 | Kind::Uint64)
    })
}

pub(super) fn texts(
    option: &Options,
    name: &'static str,
    of: &MessageDescriptor,
) -> Named<Option<FieldDescriptor>> {
    match named(option, name, of)? {
        Some(field) if !field.is_list() || field.kind() != Kind::String => {
            Err((name, Problem::field(field.name(), TEXTS)))
        }
        field => Ok(field),
    }
}

/// The largest number in the range of an integer field, as an unsigned number.
pub(super) fn largest(field: &FieldDescriptor) -> u64 {
    match field.kind() {
        Kind::Int32 => u64::from(i32::MAX.unsigned_abs()),
        Kind::Uint32 => u64::from(u32::MAX),
        Kind::Uint64 => u64::MAX,
        _ => i64::MAX.unsigned_abs(),
    }
}

/// The nearest number in the range of an integer field.
pub(super) fn clamp(field: &FieldDescriptor, number: i64) -> i64 {
    match field.kind() {
        Kind::Int32 => number.clamp(i64::from(i32::MIN), i64::from(i32::MAX)),
        Kind::Uint32 => number.clamp(0, i64::from(u32::MAX)),
        Kind::Uint64 => number.max(0),
        _ => number,
    }
}

/// An HTTP status in a range, both ends included.
pub(super) fn status(
    number: i32,
    least: u16,
    most: u16,
    expected: &'static str,
) -> Result<StatusCode, Problem> {
    let in_range = u16::try_from(number).ok().filter(|number| (least..=most).contains(number));
    let status = in_range.and_then(|number| StatusCode::from_u16(number).ok());
    status.ok_or_else(|| Problem::value(number.to_string(), expected))
}

fn checked(
    option: &Options,
    name: &'static str,
    of: &MessageDescriptor,
    expected: &'static str,
    fits: impl Fn(Kind) -> bool,
) -> Named<Option<FieldDescriptor>> {
    match singular(option, name, of, expected)? {
        Some(field) if !fits(field.kind()) => Err((name, Problem::field(field.name(), expected))),
        field => Ok(field),
    }
}

fn singular(
    option: &Options,
    name: &'static str,
    of: &MessageDescriptor,
    expected: &'static str,
) -> Named<Option<FieldDescriptor>> {
    match named(option, name, of)? {
        Some(field) if is_repeated(&field) => Err((name, Problem::field(field.name(), expected))),
        field => Ok(field),
    }
}

fn named(option: &Options, name: &'static str, of: &MessageDescriptor) -> Named<Option<FieldDescriptor>> {
    let Some(field) = option.text(name) else { return Ok(None) };
    match of.get_field_by_name(&field) {
        Some(field) => Ok(Some(field)),
        None => Err((name, Problem::UnknownField { message: of.full_name().to_owned(), field })),
    }
}
