//! The text form of `google.protobuf.FieldMask`: comma-separated paths in lower camel case.

/// The path in snake case. A path that is already in snake case stays unchanged, because both spellings are accepted.
pub(super) fn to_snake_case(path: &str) -> String {
    let mut snake = String::with_capacity(path.len() + 4);
    for character in path.chars() {
        if character.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(character.to_ascii_lowercase());
    }
    snake
}

/// The path in lower camel case; `None` if [`to_snake_case`] would not restore it.
pub(super) fn to_camel_case(path: &str) -> Option<String> {
    let mut camel = String::with_capacity(path.len());
    let mut characters = path.chars();
    while let Some(character) = characters.next() {
        match character {
            '_' => camel.push(characters.next().filter(char::is_ascii_lowercase)?.to_ascii_uppercase()),
            'A'..='Z' => return None,
            other => camel.push(other),
        }
    }
    Some(camel)
}

#[cfg(test)]
mod tests {
    use super::{to_camel_case, to_snake_case};

    #[test]
    fn paths_survive_a_round_trip() {
        for (snake, camel) in
            [("", ""), ("label", "label"), ("image.created_at", "image.createdAt"), ("a_b_c", "aBC")]
        {
            assert_eq!(to_camel_case(snake).as_deref(), Some(camel));
            assert_eq!(to_snake_case(camel), snake);
        }
        assert_eq!(to_snake_case("created_at"), "created_at");
    }

    #[test]
    fn paths_without_a_camel_case_form_are_rejected() {
        for path in ["createdAt", "a_1", "a_", "a__b", "a_B"] {
            assert_eq!(to_camel_case(path), None, "{path}");
        }
    }
}
