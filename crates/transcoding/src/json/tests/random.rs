//! Random messages from a fixed seed: the same in every run.

use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, Value};

/// The next number of a sequence (SplitMix64).
pub(super) fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// A message with about a third of its fields set.
pub(super) fn message(descriptor: &MessageDescriptor, state: &mut u64, depth: usize) -> DynamicMessage {
    let mut message = DynamicMessage::new(descriptor.clone());
    match descriptor.full_name() {
        "google.protobuf.Timestamp" => {
            message.set_field_by_name("seconds", Value::I64((next(state) % 200_000_000_000).cast_signed()));
            message
                .set_field_by_name("nanos", Value::I32(i32::try_from(next(state) % 1_000_000_000).unwrap()));
        }
        "google.protobuf.Duration" => {
            message.set_field_by_name("seconds", Value::I64((next(state) % 300_000_000_000).cast_signed()));
            message
                .set_field_by_name("nanos", Value::I32(i32::try_from(next(state) % 1_000_000_000).unwrap()));
        }
        "google.protobuf.FieldMask" => {
            let paths = ["label", "image.created_at", "a_b"].map(|path| Value::String(path.to_owned()));
            message.set_field_by_name("paths", Value::List(paths.to_vec()));
        }
        // A value must have one of its members.
        "google.protobuf.Value" => {
            let names =
                ["null_value", "number_value", "string_value", "bool_value", "struct_value", "list_value"];
            let limit = if depth == 0 { 4 } else { 6 };
            let field = descriptor.get_field_by_name(names[index(state, limit)]).unwrap();
            let value =
                if field.name() == "number_value" { Value::F64(0.5) } else { one(&field, state, depth) };
            message.set_field(&field, value);
        }
        "google.protobuf.Any" => {}
        _ => {
            for field in descriptor.fields().filter(|field| settable(field, depth)) {
                if next(state).is_multiple_of(3) {
                    let value = field_value(&field, state, depth);
                    message.set_field(&field, value);
                }
            }
        }
    }
    message
}

/// Whether the field can be compared: the oracle reads a null member of a oneof as absent, and our reader rejects `Any`.
fn settable(field: &FieldDescriptor, depth: usize) -> bool {
    let is_message = matches!(field.kind(), Kind::Message(_));
    !matches!(field.name(), "chosen_null" | "an_any" | "details") && (depth > 0 || !is_message)
}

fn index(state: &mut u64, limit: usize) -> usize {
    usize::try_from(next(state) % limit as u64).unwrap()
}

fn field_value(field: &FieldDescriptor, state: &mut u64, depth: usize) -> Value {
    let count = index(state, 4);
    if field.is_map() {
        let Kind::Message(entry) = field.kind() else { unreachable!() };
        let (key, value) = (entry.map_entry_key_field(), entry.map_entry_value_field());
        Value::Map((0..count).map(|_| (map_key(&key, state), one(&value, state, depth))).collect())
    } else if field.is_list() {
        Value::List((0..count).map(|_| one(field, state, depth)).collect())
    } else {
        one(field, state, depth)
    }
}

fn map_key(field: &FieldDescriptor, state: &mut u64) -> MapKey {
    one(field, state, 0).into_map_key().unwrap()
}

#[expect(clippy::cast_possible_truncation, reason = "any bits will do")]
fn one(field: &FieldDescriptor, state: &mut u64, depth: usize) -> Value {
    // Small, large and extreme numbers are equally likely.
    let shift = next(state) % 64;
    let bits = next(state) >> shift;
    match field.kind() {
        Kind::Double => Value::F64(double(bits)),
        Kind::Float => Value::F32(double(bits).clamp(f32::MIN.into(), f32::MAX.into()) as f32),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Value::I32((bits as u32).cast_signed()),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Value::I64(bits.cast_signed()),
        Kind::Uint32 | Kind::Fixed32 => Value::U32(bits as u32),
        Kind::Uint64 | Kind::Fixed64 => Value::U64(bits),
        Kind::Bool => Value::Bool(bits & 1 == 1),
        Kind::String => Value::String(text(state)),
        Kind::Bytes => Value::Bytes(text(state).into_bytes().into()),
        Kind::Enum(of) => {
            let values: Vec<_> = of.values().collect();
            Value::EnumNumber(values[index(state, values.len())].number())
        }
        Kind::Message(of) => Value::Message(message(&of, state, depth.saturating_sub(1))),
    }
}

/// A finite number, because NaN is not equal to itself.
fn double(bits: u64) -> f64 {
    let value = f64::from_bits(bits);
    if value.is_finite() { value } else { 0.25 }
}

fn text(state: &mut u64) -> String {
    const ALPHABET: [char; 12] = ['a', 'Z', '0', ' ', '"', '\\', '\n', '\0', 'é', '漢', '😀', '/'];
    let length = [0, 1, 7, 130][index(state, 4)];
    (0..length).map(|_| ALPHABET[index(state, ALPHABET.len())]).collect()
}
